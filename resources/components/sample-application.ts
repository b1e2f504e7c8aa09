/** Builds the WARs of the sample application: one source, one properties file per build. */
import { copyFile, cp, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { sampleFlavours } from '../../gate-service/src/settings/components.ts';
import type { Components } from '../../gate-service/src/settings/components.ts';
import { digestOf, entry, filesBelow, sha256OfFile } from './cache.ts';
import { run } from './command.ts';

const application = path.join(import.meta.dirname, '..', 'sample-application');
const parts = ['source', 'web', 'builds'].map((part) => path.join(application, part));

/** The name of the cache's folder with the WARs: it changes with sources, compiler and packing. */
export async function sampleApplicationName(java: Components['java']): Promise<string> {
  const packing = await readFile(import.meta.filename, 'utf8');
  return `sample-application-${await digestOf(parts, java.version, packing)}`;
}

/**
 * Compiles once and packs every flavour. The same sources and JDK give the same bytes (fixed time
 * stamps, sorted entries, no manifest), so that a build's SHA-256 stays what it was.
 */
export async function buildSampleApplication(
  cache: string,
  java: Components['java'],
  servletApi: string,
): Promise<Components['wars']> {
  const name = await sampleApplicationName(java);
  const folder = await entry(cache, name, async (target) => {
    const work = path.join(target, 'work');
    const classes = path.join(work, 'WEB-INF', 'classes');
    await cp(path.join(application, 'web'), work, { recursive: true });
    await mkdir(classes, { recursive: true });
    const sources = (await filesBelow(path.join(application, 'source'))).filter((file) =>
      file.endsWith('.java'),
    );
    await run(
      path.join(java.home, 'bin', 'javac'),
      ['--release', '17', '-Xlint:all', '-Werror', '-cp', servletApi, '-d', classes, ...sources],
      { cwd: path.join(application, 'source') },
    );
    for (const flavour of sampleFlavours) {
      const properties = path.join(application, 'builds', `${flavour}.properties`);
      await copyFile(properties, path.join(classes, 'build.properties'));
      await run(
        path.join(java.home, 'bin', 'jar'),
        [
          ...['--create', '--no-manifest', '--date=2020-01-01T00:00:00Z'],
          ...['--file', path.join(target, `checkout-${flavour}.war`)],
          ...(await filesBelow(work)),
        ],
        { cwd: work, env: { ...process.env, TZ: 'UTC' } },
      );
    }
    await rm(work, { recursive: true });
  });
  const wars = await Promise.all(
    sampleFlavours.map(async (flavour) => {
      const war = path.join(folder, `checkout-${flavour}.war`);
      return [flavour, { path: war, sha256: await sha256OfFile(war) }] as const;
    }),
  );
  return Object.fromEntries(wars) as Components['wars'];
}

/** The flavours that have a properties file; for the test that all of them are built. */
export async function flavoursOnDisk(): Promise<string[]> {
  const files = await readdir(path.join(application, 'builds'));
  return files.map((file) => file.replace(/\.properties$/, '')).sort();
}
