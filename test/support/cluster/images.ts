/** Images for pods of the test cluster: made from folders ({@link mkimage}), imported without a registry. */
import { whichAll } from '../../../resources/components/machine.ts';
import { run } from '../../../resources/components/command.ts';
import { defaultLayout, pathsOf } from './layout.ts';
import type { ClusterLayout } from './layout.ts';

export { mkimage } from './image-archive.ts';
export type { ImageArchive, ImageContent } from './image-archive.ts';

/** An image in the cluster. */
export interface ImportedImage {
  /** As it was named in the archive, with its tag. */
  readonly name: string;
  /** The digest of its manifest, `sha256:…`. */
  readonly digest: string;
  /** `repository@sha256:…`: a pod may name the image by it, too. */
  readonly reference: string;
}

/** Runs `ctr` on the images and containers of the cluster. */
export async function ctr(
  args: readonly string[],
  layout: ClusterLayout = defaultLayout,
): Promise<string> {
  const [program = 'ctr'] = whichAll('ctr');
  const where = ['--address', pathsOf(layout).containerdSocket, '--namespace', 'k8s.io'];
  return (await run(program, [...where, ...args])).stdout;
}

/** The images in the cluster that pods can name by digest: not those of an import that was cut off. */
export async function importedImages(
  layout: ClusterLayout = defaultLayout,
): Promise<readonly ImportedImage[]> {
  const { images, names } = await list(layout);
  return images.filter(({ reference }) => names.has(reference));
}

async function list(
  layout: ClusterLayout,
): Promise<{ readonly images: readonly ImportedImage[]; readonly names: ReadonlySet<string> }> {
  const [, ...rows] = (await ctr(['images', 'ls'], layout)).trim().split('\n');
  const named = rows.map((row) => {
    const [name = '', , digest = ''] = row.split(/\s+/);
    return { name, digest, reference: byDigest(name, digest) };
  });
  return {
    images: named.filter(({ name }) => !(name.includes('@') || name.startsWith('sha256:'))),
    names: new Set(named.map(({ name }) => name)),
  };
}

/**
 * Brings the images of an archive (OCI, or as `docker save` writes it) into the running cluster, where a pod names
 * them by tag or by digest. An image of the same name is replaced for pods that start from now on.
 */
export async function importImage(
  archive: string,
  layout: ClusterLayout = defaultLayout,
): Promise<readonly ImportedImage[]> {
  // `--all-platforms` would ask for what an archive from `docker save` does not have.
  const output = await ctr(['images', 'import', archive], layout);
  const names = new Set([...output.matchAll(/^unpacking (\S+) \(/gm)].map(([, name = '']) => name));
  if (names.size === 0) throw new Error(`no image was found in ${archive}:\n${output}`);
  const imported = (await list(layout)).images.filter(({ name }) => names.has(name));
  for (const { name, reference } of imported) {
    await ctr(['images', 'tag', '--force', name, reference], layout);
  }
  return imported;
}

function byDigest(name: string, digest: string): string {
  return `${name.replace(/:[\w.-]+$/, '')}@${digest}`;
}
