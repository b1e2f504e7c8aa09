/** What a request calls a build: an uploaded WAR by its SHA-256, or an image by its digest, with its repository if one likes. */
import type { PlatformKind } from '../platforms/platform.ts';
import type { CatalogueService } from '../settings/catalogue.ts';
import { isoNow } from './clock.ts';
import type { Clock } from './clock.ts';
import { RefusedError } from './run-service.ts';
import type { RunStore } from './run-store.ts';

/** `HEX`, `sha256:HEX` or `REPOSITORY@sha256:HEX`: what `docker push` and WAR files are known by. */
export const BUILD_NAME = /^(?:(?:([^\s@]{1,255})@)?sha256:)?([0-9a-f]{64})$/;

export interface NamedBuildDependencies {
  readonly store: Pick<RunStore, 'build' | 'saveBuild'>;
  readonly clock: Clock;
  /** Images are named on `kubernetes` and uploaded nowhere; WARs are uploaded on `local`. Default `local`. */
  readonly platform?: PlatformKind;
}

/**
 * The digest of the build, which is stored from now on.
 * @param name as {@link BUILD_NAME}
 * @throws RefusedError `unknown-build` for a WAR that was not uploaded, or an image from elsewhere than the service's repository
 */
export async function requireNamedBuild(
  deps: NamedBuildDependencies,
  service: CatalogueService,
  name: string,
  actor: string,
): Promise<string> {
  const [, repository, digest = ''] = BUILD_NAME.exec(name) ?? [];
  if (deps.platform === 'kubernetes') {
    await requireImage(deps, service, { digest, repository }, actor);
  } else if (repository !== undefined) {
    throw new RefusedError(
      'unknown-build',
      'this gate runs WARs on platform local, not images: PUT /v1/builds/SHA-256 a WAR and name it by its SHA-256, or run the gate on Kubernetes',
      '/build',
    );
  } else {
    await requireUploaded(deps.store, digest);
  }
  return digest;
}

/** @throws RefusedError `unknown-build` */
export async function requireUploaded(
  store: Pick<RunStore, 'build'>,
  digest: string,
): Promise<void> {
  if ((await store.build(digest)) !== undefined) return;
  throw new RefusedError(
    'unknown-build',
    `build ${digest} was not uploaded: PUT /v1/builds/${digest} first`,
    '/build',
  );
}

/** Whoever may ask for runs must not have the cluster pull whatever he likes, beside the service's secrets. */
async function requireImage(
  { clock, store }: NamedBuildDependencies,
  { kubernetes, name }: CatalogueService,
  image: { readonly digest: string; readonly repository: string | undefined },
  actor: string,
): Promise<void> {
  const expected = kubernetes?.repository;
  if (expected === undefined || (image.repository ?? expected) !== expected) {
    throw new RefusedError(
      'unknown-build',
      `builds of ${name} come from ${expected ?? 'no repository'}, as the service catalogue says (kubernetes.repository), not from ${image.repository ?? 'there'}`,
      '/build',
    );
  }
  const known = await store.build(image.digest);
  if (known !== undefined && known.location !== expected) {
    throw new RefusedError(
      'unknown-build',
      `sha256:${image.digest} is known as a build from ${known.location}, and builds of ${name} come from ${expected}: a build has one place`,
      '/build',
    );
  }
  if (known !== undefined) return;
  await store.saveBuild({
    digest: image.digest,
    location: expected,
    // Of images only the registry knows it.
    sizeBytes: 0,
    uploadedBy: actor,
    uploadedAt: isoNow(clock),
  });
}
