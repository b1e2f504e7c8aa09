/** The images that the cluster itself runs, each made of one program of this machine and kept in the cache. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { entry, withTemporaryFolder } from '../../../resources/components/cache.ts';
import { run } from '../../../resources/components/command.ts';
import { cacheFolder, loadComponents } from '../../../gate-service/src/settings/components.ts';
import { importedImages, importImage } from './images.ts';
import { mkimage } from './image-archive.ts';
import type { ClusterLayout } from './layout.ts';
import type { Programs } from './programs.ts';

/** An image in the cache: its archive, and the name that it has in the cluster. */
export interface BaseImage {
  readonly name: string;
  readonly archive: string;
}

export interface BaseImages {
  readonly pause: BaseImage;
  readonly istiod: BaseImage;
  /** Plain Envoy with the libraries that it needs; also for sidecars of a test's own. */
  readonly envoy: BaseImage;
}

/** Changes when what {@link rootFor} puts beside a program does. */
const FORMAT = '1';
/** Loaded by name at a thread's end, so that ldd does not list it. */
const HIDDEN_LIBRARY = '/lib/x86_64-linux-gnu/libgcc_s.so.1';

/** Makes the images that the cache does not have yet. */
export async function baseImages(programs: Programs, cache = cacheFolder()): Promise<BaseImages> {
  const { envoy } = loadComponents();
  return {
    pause: await imageOf('pause', programs.pause, cache),
    istiod: await imageOf('istiod', programs.istiod, cache),
    envoy: await imageOf('envoy', envoy.path, cache),
  };
}

/** Imports those of the images that the cluster does not have yet. */
export async function importMissing(
  images: readonly BaseImage[],
  layout: ClusterLayout,
): Promise<void> {
  const there = new Set((await importedImages(layout)).map(({ name }) => name));
  for (const { name, archive } of images) {
    if (!there.has(name)) await importImage(archive, layout);
  }
}

async function imageOf(
  name: 'pause' | 'istiod' | 'envoy',
  program: string,
  cache: string,
): Promise<BaseImage> {
  const { size, mtimeMs } = await stat(program);
  const key = createHash('sha256')
    // Cheaper than its content, and a program is never changed in place.
    .update([FORMAT, program, size, mtimeMs].join(' '))
    .digest('hex')
    .slice(0, 12);
  const image = `localhost/speed-gate-test/${name}:${key}`;
  const file = path.join(cache, `cluster-image-${name}-${key}`, 'image.tar');
  if (!existsSync(file)) {
    await entry(cache, path.basename(path.dirname(file)), (folder) =>
      withTemporaryFolder(cache, async (root) => {
        await rootFor(root, name, program);
        const command = [`/usr/local/bin/${name}`];
        await mkimage(path.join(folder, 'image.tar'), { name: image, root, command });
      }),
    );
  }
  return { name: image, archive: file };
}

/** A root with the program, its shared libraries, and what a C library looks up. */
async function rootFor(root: string, name: string, program: string): Promise<void> {
  const put = async (from: string, to: string) => {
    const target = path.join(root, to);
    await mkdir(path.dirname(target), { recursive: true });
    await copyFile(from, target);
  };
  await put(program, `usr/local/bin/${name}`);
  for (const library of await librariesOf(program)) await put(library, library);
  for (const folder of ['etc', 'tmp', 'var/run']) {
    await mkdir(path.join(root, folder), { recursive: true, mode: 0o777 });
  }
  await symlink('../var/run', path.join(root, 'run'));
  await writeFile(
    path.join(root, 'etc/passwd'),
    'root:x:0:0:root:/:/none\nnobody:x:65534:65534::/:/none\n',
  );
  await writeFile(path.join(root, 'etc/group'), 'root:x:0:\nnogroup:x:65534:\n');
  await writeFile(path.join(root, 'etc/nsswitch.conf'), 'hosts: files dns\n');
}

/** The shared libraries that a program loads; none for a static one. */
async function librariesOf(program: string): Promise<readonly string[]> {
  const start = (await readFile(program)).subarray(0, 4096).toString('latin1');
  if (!start.includes('ld-linux')) return [];
  const { stdout } = await run('ldd', [program]);
  const found = [...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, file = '']) => file);
  return existsSync(HIDDEN_LIBRARY) ? [...new Set([...found, HIDDEN_LIBRARY])] : found;
}
