/** The peers' Python packages in a virtual environment in the cache, each checked against its SHA-256. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { cacheFolder } from '../../../../gate-service/src/settings/components.ts';
import { digestOf, entry } from '../../../../resources/components/cache.ts';
import { run, SetupError, tryRun } from '../../../../resources/components/command.ts';
import {
  installPackages,
  requireApt,
  type Missing,
} from '../../../../resources/components/debian.ts';
import { whichAll } from '../../../../resources/components/machine.ts';
import { step } from '../../../../resources/components/progress.ts';

const REQUIREMENTS = path.join(import.meta.dirname, 'requirements.txt');

/**
 * The Python interpreter that has the peers' packages.
 * @throws SetupError when there is no Python 3.11 or the packages cannot be had
 */
export async function installPeers(): Promise<string> {
  const name = `tuner-peers-${(await digestOf([], await readFile(REQUIREMENTS, 'utf8'))).slice(0, 12)}`;
  const python = path.join(cacheFolder(), name, 'bin', 'python');
  if (existsSync(python)) return python;
  await step('Optuna and bayesian-optimization', 'the bench of the tuner, 250 MB', async () => {
    const base = await findPython();
    await entry(cacheFolder(), name, async (folder) => {
      await run(base, ['-m', 'venv', folder]);
      const own = path.join(folder, 'bin', 'python');
      const pip = ['-m', 'pip', '--disable-pip-version-check', 'install', '--quiet'];
      await run(own, [
        ...pip,
        '--require-hashes',
        ...['--no-deps', '--only-binary', ':all:', '-r', REQUIREMENTS],
      ]);
      await run(own, ['-c', 'import optuna, bayes_opt']);
    });
  });
  return python;
}

/** The pinned wheels are for CPython 3.11, Debian 12's own. */
async function findPython(): Promise<string> {
  const find = async (): Promise<string | undefined> => {
    for (const file of [...whichAll('python3.11'), ...whichAll('python3')]) {
      const check = 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 11))';
      if ((await tryRun(file, ['-c', check])).code === 0) return file;
    }
    return undefined;
  };
  const found = await find();
  if (found !== undefined) return found;
  const missing: Missing[] = [
    {
      problem: 'Python 3.11 with the venv module',
      whatFor: 'the peers of the tuner’s bench',
      packages: ['python3.11-venv'],
    },
  ];
  await requireApt(missing);
  await installPackages(missing);
  const installed = await find();
  if (installed === undefined)
    throw new SetupError('Python 3.11 was not found after its installation.');
  return installed;
}
