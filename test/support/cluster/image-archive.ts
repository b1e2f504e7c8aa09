/** Writes container images without an engine or a registry: one layer, from a folder, as an OCI image archive. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { sha256OfFile } from '../../../resources/components/cache.ts';
import { run } from '../../../resources/components/command.ts';

export interface ImageContent {
  /** With a tag other than `latest`, which would be pulled: `localhost/web:1`. */
  readonly name: string;
  /** The folder that becomes the root; owners become root, times 1970. */
  readonly root: string;
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Numeric, so that a pod may demand `runAsNonRoot`: `65534` or `65534:65534`. */
  readonly user?: string;
  readonly workingDirectory?: string;
}

export interface ImageArchive {
  readonly archive: string;
  readonly name: string;
  /** Of the manifest, `sha256:…`: the same folder gives the same digest on every machine. */
  readonly digest: string;
}

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };
const CONFIG = 'application/vnd.oci.image.config.v1+json';
const LAYER = 'application/vnd.oci.image.layer.v1.tar';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
/** What makes two archives of the same folder the same bytes. */
const reproducible = [
  ...['--format=posix', '--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'],
  '--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime',
];

/**
 * Makes an image archive at `archive`, which appears whole or not at all.
 * @throws Error on a name without a tag, or with the tag `latest`
 */
export async function mkimage(archive: string, content: ImageContent): Promise<ImageArchive> {
  const tag = /:([\w.-]+)$/.exec(content.name)?.[1];
  if (tag === undefined || tag === 'latest') {
    throw new Error(
      `image ${content.name}: give it a tag other than "latest", or the kubelet tries to pull it`,
    );
  }
  await mkdir(path.dirname(archive), { recursive: true });
  const work = await mkdtemp(`${archive}.incomplete-`);
  try {
    const blobs = path.join(work, 'blobs', 'sha256');
    await mkdir(blobs, { recursive: true });
    const layer = await layerOf(content.root, blobs);
    const config = await blobOf(blobs, CONFIG, configOf(content, layer.digest));
    const manifest = await blobOf(blobs, MANIFEST, {
      schemaVersion: 2,
      mediaType: MANIFEST,
      config,
      layers: [layer],
    });
    const annotations = {
      'io.containerd.image.name': content.name,
      'org.opencontainers.image.ref.name': tag,
    };
    await writeFile(path.join(work, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
    await writeFile(
      path.join(work, 'index.json'),
      JSON.stringify({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }),
    );
    const incomplete = path.join(work, 'archive.tar');
    await run('tar', [
      ...['-C', work, ...reproducible, '-cf', incomplete],
      ...['oci-layout', 'index.json', 'blobs'],
    ]);
    await rename(incomplete, archive);
    return { archive, name: content.name, digest: manifest.digest };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

async function layerOf(root: string, blobs: string): Promise<Descriptor> {
  const file = path.join(blobs, 'layer');
  await run('tar', ['-C', root, ...reproducible, '-cf', file, '.']);
  const hex = await sha256OfFile(file);
  await rename(file, path.join(blobs, hex));
  const { size } = await stat(path.join(blobs, hex));
  return { mediaType: LAYER, digest: `sha256:${hex}`, size };
}

async function blobOf(blobs: string, mediaType: string, content: object): Promise<Descriptor> {
  const text = JSON.stringify(content);
  const hex = createHash('sha256').update(text).digest('hex');
  await writeFile(path.join(blobs, hex), text);
  return { mediaType, digest: `sha256:${hex}`, size: Buffer.byteLength(text) };
}

function configOf(content: ImageContent, layer: string): object {
  const env = { PATH: '/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', ...content.env };
  return {
    architecture: architectures[process.arch] ?? process.arch,
    os: 'linux',
    created: '1970-01-01T00:00:00Z',
    config: {
      Cmd: content.command,
      Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
      ...(content.user === undefined ? {} : { User: content.user }),
      ...(content.workingDirectory === undefined ? {} : { WorkingDir: content.workingDirectory }),
    },
    rootfs: { type: 'layers', diff_ids: [layer] },
  };
}
