/** Envoy's own opinion of a plan before it is published: it does not read xDS files in validate mode. */
import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { renderStatic } from '../../mesh/envoy/render.ts';
import type { EnvoyPlacement } from '../../mesh/envoy/bootstrap.ts';
import type { MeshPlan } from '../../mesh/plan.ts';
import { PlatformError } from '../platform.ts';

const TIMEOUT_MS = 60_000;

/** @throws PlatformError `invalid-configuration` with Envoy's words, `component-failed` when it has none */
export async function validateWithEnvoy(
  plan: MeshPlan,
  placement: EnvoyPlacement,
  envoy: string,
  temporary: string,
): Promise<void> {
  await mkdir(temporary, { recursive: true });
  const file = join(temporary, `validate-${randomUUID()}.json`);
  try {
    await writeFile(file, JSON.stringify(renderStatic(plan, placement)));
    const failure = await run(envoy, [
      ...['--mode', 'validate', '--config-path', file],
      ...['--disable-hot-restart', '--log-level', 'error'],
    ]);
    if (failure === undefined) return;
    // Envoy says what it does not like; without a word it was not Envoy that refused, or it could not run.
    if (failure.said === '') {
      throw new PlatformError(
        'component-failed',
        `The Envoy of ${plan.environment} cannot be run: ${envoy} ${failure.how} and said nothing. "npm run setup" installs what is missing.`,
      );
    }
    throw new PlatformError(
      'invalid-configuration',
      `Envoy refuses the routes and clusters planned for ${plan.environment}; nothing was changed. It says: ${failure.said}`,
    );
  } finally {
    await rm(file, { force: true });
  }
}

/** Equal for plans that differ only in weights and in endpoints, which cannot make a valid plan invalid. */
export function structureOf(plan: MeshPlan): string {
  const services = plan.services.map((service) => ({
    ...service,
    subsets: service.subsets.map((subset) => ({ ...subset, endpoints: [] })),
    defaultRoute: service.defaultRoute && {
      ...service.defaultRoute,
      weights: service.defaultRoute.weights.map(({ subset }) => subset),
    },
  }));
  return createHash('sha256').update(JSON.stringify(services)).digest('hex');
}

interface Failure {
  readonly how: string;
  /** The end of its output. */
  readonly said: string;
}

function run(command: string, args: readonly string[]): Promise<Failure | undefined> {
  return new Promise((resolve) => {
    execFile(command, args, { timeout: TIMEOUT_MS }, (error, stdout, stderr) => {
      if (error === null) {
        resolve(undefined);
        return;
      }
      const { code, signal } = error;
      const ended =
        typeof signal === 'string' ? `was ended by ${signal}` : `ended with ${code ?? '?'}`;
      resolve({ how: ended, said: `${stdout}${stderr}`.trim().slice(-600) });
    });
  });
}
