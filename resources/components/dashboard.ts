/** Builds the dashboard into `gate-service/dashboard/dist`, unless what is there was made of the same sources. */
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { digestOf } from './cache.ts';
import { run } from './command.ts';
import { withLock } from './lock.mjs';
import { step } from './progress.ts';

const root = path.join(import.meta.dirname, '..', '..');
const dashboard = path.join(root, 'gate-service', 'dashboard');
const built = path.join(dashboard, 'dist');
/** Beside the built files: what they were made of. Written last, so that a torn build is none. */
const KEY = '.made-of';

/** Changes with the sources, the way of building, and the versions of all that goes in. */
async function keyOfSources(): Promise<string> {
  const single = ['index.html', 'vite.config.ts'].map((name) => path.join(dashboard, name));
  const texts = await Promise.all(
    [...single, path.join(root, 'package-lock.json'), import.meta.filename].map((file) =>
      readFile(file, 'utf8'),
    ),
  );
  return digestOf(
    ['src', 'public'].map((folder) => path.join(dashboard, folder)),
    ...texts,
  );
}

async function isBuilt(key: string): Promise<boolean> {
  return (await readFile(path.join(built, KEY), 'utf8').catch(() => '')) === key;
}

/**
 * Brings the built dashboard up to date.
 * @param before called when there is something to build
 * @throws SetupError with what the build said when it fails
 */
export async function buildDashboard(before: () => void): Promise<void> {
  const key = await keyOfSources();
  if (await isBuilt(key)) return;
  await withLock(
    path.join(root, '.speed-gate', 'dashboard.lock'),
    async () => {
      if (await isBuilt(key)) return;
      before();
      await step('build the dashboard', 'the web page of the service', () => build(key));
    },
    (owner) => {
      process.stderr.write(`set-up: waits for another set-up (process ${owner}) to end\n`);
    },
  );
}

async function build(key: string): Promise<void> {
  const fresh = path.join(root, '.speed-gate', `dashboard-${process.pid}`);
  try {
    const vite = path.join(root, 'node_modules', 'vite', 'bin', 'vite.js');
    const options = ['--outDir', fresh, '--emptyOutDir', '--logLevel', 'warn'];
    await run(process.execPath, [vite, 'build', dashboard, ...options], { cwd: root });
    await writeFile(path.join(fresh, KEY), key);
    await rm(built, { recursive: true, force: true });
    await rename(fresh, built);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}
