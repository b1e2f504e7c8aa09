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

/** @throws PlatformError `invalid-configuration` with Envoy's words */
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
    const refusal = await run(envoy, [
      ...['--mode', 'validate', '--config-path', file],
      ...['--disable-hot-restart', '--log-level', 'error'],
    ]);
    if (refusal === undefined) return;
    throw new PlatformError(
      'invalid-configuration',
      `Envoy refuses the routes and clusters planned for ${plan.environment}; nothing was changed. It says: ${refusal}`,
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

function run(command: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(command, args, { timeout: TIMEOUT_MS }, (error, stdout, stderr) => {
      if (error === null) resolve(undefined);
      else resolve(`${stdout}${stderr}`.trim().slice(-600) || error.message);
    });
  });
}
