/** Helm, built once from its Go module and kept in the component cache: the chart is rendered and installed by the real thing. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { digestOf, entry } from '../../../resources/components/cache.ts';
import { run } from '../../../resources/components/command.ts';
import { withLock } from '../../../resources/components/lock.mjs';
import { cacheFolder } from '../../../gate-service/src/settings/components.ts';

const SOURCES = path.join(import.meta.dirname, 'helm');
const PACKAGE = 'helm.sh/helm/v4/cmd/helm';

export interface Helm {
  /** What helm printed. @throws Error with its complaint */
  helm(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<string>;
}

/** About three CPU minutes the first time, nothing after. `folder` takes helm's own files. */
export async function buildHelm(folder: string): Promise<Helm> {
  const cache = cacheFolder();
  const module = await readFile(path.join(SOURCES, 'go.mod'), 'utf8');
  const version = /helm\.sh\/helm\/v4 (v\S+)/.exec(module)?.[1];
  if (version === undefined) throw new Error(`${SOURCES}/go.mod requires no helm.sh/helm/v4`);
  const name = `cluster-helm-${version}-${await digestOf([SOURCES], PACKAGE)}`;
  const program = path.join(cache, name, 'helm');
  if (!existsSync(program)) {
    await withLock(
      path.join(cache, 'cluster-helm.lock'),
      () =>
        entry(cache, name, async (target) => {
          const options = ['-mod=readonly', '-trimpath', '-buildvcs=false', '-ldflags', '-s -w'];
          await run('go', ['build', ...options, '-o', path.join(target, 'helm'), PACKAGE], {
            cwd: SOURCES,
            env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '' },
          });
        }),
      () => undefined,
    );
  }
  const home = Object.fromEntries(
    ['CACHE', 'CONFIG', 'DATA'].map((kind) => [
      `HELM_${kind}_HOME`,
      path.join(folder, kind.toLowerCase()),
    ]),
  );
  return {
    helm: async (args, env = {}) =>
      (await run(program, args, { env: { ...process.env, ...home, ...env } })).stdout,
  };
}
