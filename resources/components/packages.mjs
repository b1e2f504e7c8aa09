/**
 * Whether node_modules holds what package-lock.json says, with Node 24 in it, and `npm ci` where it
 * does not. Plain JavaScript for Node 18.
 */
import { spawn } from 'node:child_process';
import { copyFile, mkdir, readFile, rm, symlink } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { withLock } from './lock.mjs';

/** The Node that everything is installed for. */
const major = 24;

/** @typedef {{ version?: string, integrity?: string, optional?: boolean }} LockEntry */

/**
 * npm writes what it installed to node_modules/.package-lock.json, as its last act. Optional
 * packages for other machines are missing there.
 * @param {string} lockText package-lock.json
 * @param {string} installedText node_modules/.package-lock.json
 */
export function fits(lockText, installedText) {
  const wanted = entries(lockText);
  const installed = entries(installedText);
  return Object.entries(wanted).every(([name, entry]) => {
    const found = installed[name];
    if (name === '' || (found === undefined && entry?.optional === true)) return true;
    return found?.version === entry?.version && found?.integrity === entry?.integrity;
  });
}

/** @param {string} text @returns {Partial<Record<string, LockEntry>>} */
function entries(text) {
  /** @type {unknown} */
  const content = JSON.parse(text);
  return /** @type {{ packages: Partial<Record<string, LockEntry>> }} */ (content).packages;
}

/** @param {string} root */
export function node24(root) {
  return path.join(root, 'node_modules', 'node', 'bin', 'node');
}

/** @param {string} root */
async function isInstalled(root) {
  try {
    const [lock, installed] = await Promise.all([
      readFile(path.join(root, 'package-lock.json'), 'utf8'),
      readFile(path.join(root, 'node_modules', '.package-lock.json'), 'utf8'),
    ]);
    const link = path.join(root, 'node_modules', '.bin', 'node');
    return fits(lock, installed) && existsSync(node24(root)) && existsSync(link);
  } catch {
    return false;
  }
}

/**
 * PATH without npm's additions: inside `npm run`, `node` would be the very one that `npm ci` is
 * about to replace.
 */
function machinePath() {
  return (process.env.PATH ?? '')
    .split(path.delimiter)
    .filter((folder) => !folder.endsWith(path.join('node_modules', '.bin')))
    .join(path.delimiter);
}

/**
 * @param {string} program @param {string[]} args @param {string} cwd @param {string} PATH
 * @returns {Promise<{ code: number, output: string }>}
 */
function run(program, args, cwd, PATH) {
  return new Promise((resolve) => {
    const env = { ...process.env, PATH };
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const collect = (/** @type {Buffer} */ data) => {
      output += data.toString();
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', (error) => {
      resolve({ code: 127, output: error.message });
    });
    child.on('close', (code) => {
      resolve({ code: code ?? 1, output });
    });
  });
}

/**
 * `npm ci` in a folder whose package.json names the package `node`.
 * @param {string} folder @param {string} PATH
 */
async function ci(folder, PATH) {
  const npm = await run('npm', ['ci', '--no-audit', '--no-fund'], folder, PATH);
  if (npm.code === 127) {
    throw new Error(`npm was not found. Install it, on Debian: sudo apt-get install npm`);
  }
  if (npm.code !== 0) {
    throw new Error(`"npm ci" failed with code ${npm.code}:\n${npm.output.trim()}`);
  }
  if (!existsSync(node24(folder))) {
    // npm was told to ignore install scripts; this one is what fetches the binary.
    const script = 'installArchSpecificPackage.js';
    const fetched = await run('node', [script], path.dirname(path.dirname(node24(folder))), PATH);
    if (!existsSync(node24(folder))) {
      throw new Error(`The package "node" did not install Node 24:\n${fetched.output.trim()}`);
    }
  }
  const link = path.join(folder, 'node_modules', '.bin', 'node');
  if (!existsSync(link)) await symlink('../node/bin/node', link);
}

/**
 * Runs `work` with a PATH whose `node` and `npm` are of the pinned versions. npm leaves out optional
 * packages that say they do not fit the Node it runs on, native parts of the tools among them, so an
 * older Node must not install for Node 24.
 * @param {string} root @param {(PATH: string) => Promise<void>} work
 */
async function withFittingNpm(root, work) {
  const { code, output } = await run('node', ['--version'], root, machinePath());
  if (code === 0 && Number(/^v(\d+)/.exec(output)?.[1]) >= major) {
    await work(machinePath());
    return;
  }
  const folder = path.join(root, '.speed-gate', 'first-node');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  try {
    for (const name of ['package.json', 'package-lock.json']) {
      await copyFile(
        path.join(root, 'resources', 'components', 'node', name),
        path.join(folder, name),
      );
    }
    await ci(folder, machinePath());
    const bin = path.join(folder, 'node_modules', '.bin');
    await work(`${bin}${path.delimiter}${machinePath()}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @param {string} root */
async function installPackages(root) {
  const start = Date.now();
  process.stderr.write('set-up: install the npm packages (the service and Node 24, 150 MB) …\n');
  await withFittingNpm(root, (PATH) => ci(root, PATH));
  const seconds = ((Date.now() - start) / 1000).toFixed(1);
  process.stderr.write(`set-up: install the npm packages: done in ${seconds} s\n`);
}

/**
 * Makes node_modules fit package-lock.json.
 * @param {string} root
 */
export async function ensurePackages(root) {
  if (await isInstalled(root)) return;
  await withLock(
    path.join(root, '.speed-gate', 'npm-ci.lock'),
    async () => {
      if (!(await isInstalled(root))) await installPackages(root);
    },
    (owner) => {
      process.stderr.write(`set-up: waits for another set-up (process ${owner}) to end\n`);
    },
  );
}
