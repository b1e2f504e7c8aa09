/** The sender as an image of the test cluster: the sources of this tree, the packages that the sender needs, and Node. */
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run } from '../../../resources/components/command.ts';
import { importedImages, importImage, mkimage } from '../../support/cluster/images.ts';

const ROOT = path.join(import.meta.dirname, '../../..');
const SOURCES = path.join(ROOT, 'gate-service/src');
const NAME = 'localhost/speed-gate-test/sender';
/** Changes when what stands beside the sources does. */
const FORMAT = '1';
/** Loaded by name at a thread's end, so that ldd does not list it. */
const HIDDEN_LIBRARY = '/lib/x86_64-linux-gnu/libgcc_s.so.1';

/** @returns its reference by digest; the cluster has it then */
export async function senderImage(): Promise<string> {
  const sources = await sourceFiles(SOURCES);
  const packages = await packagesOf(path.join(SOURCES, 'commands/sender.ts'));
  const name = `${NAME}:${await keyOf(sources, packages)}`;
  const there = await reference(name);
  if (there !== undefined) return there;
  const work = await mkdtemp(path.join(tmpdir(), 'speed-gate-sender-image-'));
  try {
    const root = path.join(work, 'root');
    const home = path.join(root, 'opt/speed-gate');
    for (const file of sources) {
      await put(file, path.join(home, path.relative(ROOT, file)));
    }
    await put(path.join(ROOT, 'package.json'), path.join(home, 'package.json'));
    for (const folder of packages) {
      await cp(folder, path.join(home, path.relative(ROOT, folder)), { recursive: true });
    }
    await put(process.execPath, path.join(root, 'usr/local/bin/node'));
    for (const library of await librariesOf(process.execPath)) {
      await put(library, path.join(root, library));
    }
    await mkdir(path.join(root, 'tmp'), { mode: 0o777 });
    await symlink('usr/local/bin', path.join(root, 'bin'));
    const { archive } = await mkimage(path.join(work, 'image.tar'), {
      name,
      root,
      command: ['node', 'gate-service/src/main.ts'],
      user: '10001:10001',
      workingDirectory: '/opt/speed-gate',
    });
    await importImage(archive);
  } finally {
    await rm(work, { recursive: true });
  }
  const imported = await reference(name);
  if (imported === undefined) throw new Error(`${name} was imported and is not there`);
  return imported;
}

async function reference(name: string): Promise<string | undefined> {
  return (await importedImages()).find((image) => image.name === name)?.reference;
}

async function put(from: string, to: string): Promise<void> {
  await mkdir(path.dirname(to), { recursive: true });
  await cp(from, to, { dereference: true });
}

async function sourceFiles(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && /\.(ts|json)$/.test(entry.name))
    .filter(({ name }) => !name.endsWith('.test.ts'))
    .map(({ name, parentPath }) => path.join(parentPath, name))
    .toSorted();
}

async function keyOf(sources: readonly string[], packages: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  const { mtimeMs, size } = await stat(process.execPath);
  hash.update([FORMAT, size, mtimeMs, ...packages].join('\n'));
  for (const file of [...sources, path.join(ROOT, 'package-lock.json')]) {
    hash.update(`${path.relative(ROOT, file)}\n`).update(await readFile(file));
  }
  return hash.digest('hex').slice(0, 12);
}

/** Folders of the packages that a module reaches by its imports, with those that they depend on. */
async function packagesOf(module: string): Promise<readonly string[]> {
  const names = new Set<string>();
  const seen = new Set<string>();
  const visit = async (file: string): Promise<void> => {
    if (seen.has(file)) return;
    seen.add(file);
    const text = await readFile(file, 'utf8');
    for (const [, target = ''] of text.matchAll(/(?:from|import) '([^']+)'/g)) {
      if (target.startsWith('.')) await visit(path.resolve(path.dirname(file), target));
      else if (!target.startsWith('node:')) names.add(packageName(target));
    }
  };
  await visit(module);
  const folders = new Set<string>();
  for (const name of names) await addPackage(name, ROOT, folders);
  return [...folders].toSorted();
}

function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

async function addPackage(name: string, from: string, folders: Set<string>): Promise<void> {
  const places = createRequire(path.join(from, 'package.json')).resolve.paths(name) ?? [];
  for (const place of places) {
    const folder = path.join(place, name);
    const text = await readFile(path.join(folder, 'package.json'), 'utf8').catch(() => undefined);
    if (text === undefined) continue;
    if (folders.has(folder)) return;
    folders.add(folder);
    const { dependencies = {} } = JSON.parse(text) as { dependencies?: Record<string, string> };
    for (const one of Object.keys(dependencies)) await addPackage(one, folder, folders);
    return;
  }
  throw new Error(`package ${name}, which ${from} needs, is not installed`);
}

async function librariesOf(program: string): Promise<readonly string[]> {
  const { stdout } = await run('ldd', [program]);
  const found = [...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, file = '']) => file);
  return [...new Set([...found, HIDDEN_LIBRARY])];
}
