/**
 * Makes a fresh clone ready to run, with nothing there but Node 18 and npm: the npm packages (Node 24
 * among them), then the components. Idempotent; says nothing when nothing is to be done. Arguments go
 * to the installer of the components (install.ts).
 */
import { spawn } from 'node:child_process';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { ensurePackages, node24 } from './packages.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.join(here, '..', '..');
const minimum = 18;

/** @returns {Promise<number>} */
function installComponents() {
  const args = [path.join(here, 'install.ts'), ...process.argv.slice(2)];
  const child = spawn(node24(root), args, { stdio: 'inherit' });
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => child.kill(signal));
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      resolve(code ?? 1);
    });
  });
}

const [major] = process.versions.node.split('.');
if (Number(major) < minimum) {
  process.stderr.write(
    `set-up: this is Node ${process.versions.node}, needed is Node ${minimum} or newer to begin with ` +
      '(Speed Gate then installs its own).\n',
  );
  process.exitCode = 1;
} else {
  try {
    await ensurePackages(root);
    process.exitCode = await installComponents();
  } catch (error) {
    process.stderr.write(`set-up: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
