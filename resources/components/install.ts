/**
 * The set-up: finds or installs every component and writes `components.json`. Idempotent; asks
 * nothing; silent when everything is there. Run by bootstrap.mjs under Node 24.
 */
import { existsSync, statSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  cacheFolder,
  componentsFile,
  componentsSchema,
} from '../../gate-service/src/settings/components.ts';
import type { Components } from '../../gate-service/src/settings/components.ts';
import { digestOf, removeIncomplete } from './cache.ts';
import { classDataArchivePath, makeClassDataArchive } from './class-data-archive.ts';
import { interrupt, SetupError } from './command.ts';
import { buildDashboard } from './dashboard.ts';
import { describeMissing, installPackages, removeLeftPolicy, requireApt } from './debian.ts';
import type { Missing } from './debian.ts';
import * as fetched from './fetched.ts';
import { withLock } from './lock.mjs';
import * as machine from './machine.ts';
import type { Finding } from './machine.ts';
import { envoyPin, mavenPins } from './pins.ts';
import { step } from './progress.ts';
import { buildSampleApplication, sampleApplicationName } from './sample-application.ts';

interface Wishes {
  /** Also what only the tests need: Maven, and a browser for tests of the dashboard. */
  readonly tests: boolean;
  readonly chromium: boolean;
}

/** Stands for everything that decides what the set-up would produce. */
async function keyOf(programs: readonly string[]): Promise<string> {
  const application = path.join(import.meta.dirname, '..', 'sample-application');
  const folders = [
    import.meta.dirname,
    ...['source', 'web', 'builds'].map((part) => path.join(application, part)),
  ];
  const stamps = programs.map((program) => {
    const { size, mtimeMs } = statSync(program);
    return `${program} ${size} ${mtimeMs}`;
  });
  return digestOf(folders, process.env.JAVA_HOME ?? '', ...stamps);
}

function programsOf(components: Components): string[] {
  const { httpd, java, prometheus, envoy, chromium } = components;
  const programs = [httpd.path, java.path, prometheus.path, envoy.path];
  return chromium === undefined ? programs : [...programs, chromium.path];
}

function filesOf(components: Components): string[] {
  const { jettyHome, jolokia, servletApi, pipelineLibraries, wars, classDataArchive } = components;
  return [
    ...programsOf(components),
    path.join(jettyHome.path, 'start.jar'),
    ...[jolokia.path, servletApi.path, pipelineLibraries.classpathDir],
    ...Object.values(wars).map((war) => war.path),
    ...(classDataArchive === undefined ? [] : [classDataArchive.path]),
  ];
}

/** Whether the last set-up's result still holds for these sources and this machine. */
async function isUpToDate(file: string, wishes: Wishes): Promise<boolean> {
  try {
    const components = componentsSchema.parse(JSON.parse(await readFile(file, 'utf8')));
    if (wishes.chromium && components.chromium === undefined) return false;
    if ('problem' in machine.findCurl()) return false;
    if (wishes.tests && machine.whichAll('mvn').length === 0) return false;
    if (!filesOf(components).every((item) => existsSync(item))) return false;
    return components.key === (await keyOf(programsOf(components)));
  } catch {
    return false;
  }
}

/** Everything taken from the machine, with what it is for and the package that brings it. */
async function findAll(cache: string, wishes: Wishes) {
  const paths = fetched.fetchedPaths(cache);
  const mavenDone = [paths.jettyHome, paths.jolokia, paths.servletApi, paths.pipelineLibraries];
  const envoyPath = existsSync(paths.envoy) ? paths.envoy : await fetched.envoyOnPath();
  const notNeeded: Finding<undefined> = { found: undefined };
  const findings = {
    httpd: await machine.findHttpd(),
    java: await machine.findJava(),
    prometheus: await machine.findPrometheus(),
    maven:
      wishes.tests || !mavenDone.every((item) => existsSync(item))
        ? await machine.findMaven()
        : notNeeded,
    python: envoyPath === undefined ? await machine.findPython() : notNeeded,
    curl: machine.findCurl(),
    chromium: wishes.chromium ? await machine.findChromium() : notNeeded,
  };
  return { findings, envoyPath };
}

const sources: Record<
  keyof Awaited<ReturnType<typeof findAll>>['findings'],
  Omit<Missing, 'problem'>
> = {
  httpd: { whatFor: 'the nodes that serve the application', packages: ['apache2-bin'] },
  java: { whatFor: 'Jetty and pipeline steps', packages: ['default-jdk-headless'] },
  prometheus: { whatFor: 'watching a promotion', packages: ['prometheus'] },
  maven: { whatFor: 'fetching Jetty, and tests of the pipeline steps', packages: ['maven'] },
  python: { whatFor: 'fetching Envoy', packages: ['python3-venv'] },
  curl: { whatFor: 'pipeline steps', packages: ['curl'] },
  chromium: { whatFor: 'tests of the dashboard', packages: ['chromium'] },
};

function missingAmong(findings: Readonly<Record<string, Finding<unknown>>>): Missing[] {
  return Object.entries(sources).flatMap(([name, source]) => {
    const finding = findings[name];
    return finding !== undefined && 'problem' in finding
      ? [{ ...source, problem: finding.problem }]
      : [];
  });
}

function foundIn<T>(finding: Finding<T>): T {
  if ('problem' in finding) throw new SetupError(finding.problem);
  return finding.found;
}

async function prepareMachine(cache: string, wishes: Wishes) {
  let all = await findAll(cache, wishes);
  const missing = missingAmong(all.findings);
  if (missing.length > 0) {
    await requireApt(missing);
    const packages = missing.flatMap((item) => item.packages).join(' ');
    await step(
      `install Debian packages ${packages}`,
      missing.map((item) => item.whatFor).join(', '),
      () => installPackages(missing),
    );
    all = await findAll(cache, wishes);
  }
  const { httpd, java, prometheus, maven, python, chromium } = all.findings;
  const stillMissing = missingAmong(all.findings);
  if (stillMissing.length > 0) {
    throw new SetupError(
      describeMissing(stillMissing, 'The distribution does not bring a fitting version by itself.'),
    );
  }
  return {
    httpd: foundIn(httpd),
    java: foundIn(java),
    prometheus: foundIn(prometheus),
    maven: foundIn(maven),
    python: foundIn(python),
    chromium: foundIn(chromium),
    envoyPath: all.envoyPath,
  };
}

/** A step that is left out when `target` is there already. */
async function produce(
  target: string,
  what: string,
  whatFor: string,
  work: () => Promise<unknown>,
) {
  if (!existsSync(target)) await step(what, whatFor, work);
}

async function fetchAll(cache: string, maven: string | undefined, python: string | undefined) {
  const paths = fetched.fetchedPaths(cache);
  const { jettyHome, jolokia } = mavenPins;
  if (python !== undefined) {
    await produce(
      paths.envoy,
      `fetch Envoy ${envoyPin.version}`,
      'the proxy in front of the nodes, 37 MB',
      () => fetched.fetchEnvoy(cache, python),
    );
  }
  if (maven !== undefined) {
    const javaComponents = [paths.jettyHome, paths.jolokia, paths.servletApi];
    await produce(
      javaComponents.find((item) => !existsSync(item)) ?? paths.jettyHome,
      `fetch Jetty ${jettyHome.version} and Jolokia ${jolokia.version}`,
      'the application server and its live settings, 46 MB',
      () => fetched.fetchJavaComponents(cache, maven),
    );
    await produce(
      paths.pipelineLibraries,
      'fetch the pipeline libraries',
      'running the Jenkinsfile step here, 15 MB',
      () => fetched.fetchPipelineLibraries(cache, maven),
    );
  }
  return paths;
}

async function install(cache: string, wishes: Wishes): Promise<Components> {
  const found = await prepareMachine(cache, wishes);
  const paths = await fetchAll(cache, found.maven, found.python);
  const jettyHome = { path: paths.jettyHome, version: mavenPins.jettyHome.version };
  const jolokia = { path: paths.jolokia, version: mavenPins.jolokia.version };
  const warFolder = path.join(cache, await sampleApplicationName(found.java));
  const build = () => buildSampleApplication(cache, found.java, paths.servletApi);
  await produce(warFolder, 'build the sample application', 'what the demo pushes', build);
  const wars = await build();
  const archive = await classDataArchivePath(cache, found.java, jettyHome.version);
  await produce(archive, 'archive the classes of Jetty', 'nodes that start faster', () =>
    makeClassDataArchive(cache, { java: found.java, jettyHome, jolokia }, wars['1.0'].path),
  );
  const components: Components = {
    format: 1,
    key: '-',
    httpd: found.httpd,
    java: found.java,
    jettyHome,
    jolokia,
    envoy: { path: found.envoyPath ?? paths.envoy, version: envoyPin.version },
    prometheus: found.prometheus,
    servletApi: { path: paths.servletApi, version: mavenPins.servletApi.version },
    pipelineLibraries: { classpathDir: paths.pipelineLibraries },
    ...(found.chromium === undefined ? {} : { chromium: found.chromium }),
    classDataArchive: { path: archive },
    wars,
  };
  return { ...components, key: await keyOf(programsOf(components)) };
}

/** From here on a signal ends the work in order, so that nothing half-done is left behind. */
function onSignals(handle: () => void): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, handle);
}

/** Brings `components.json` up to date and returns its path. */
export async function setUp(wishes: Wishes): Promise<string> {
  const file = componentsFile();
  if (await isUpToDate(file, wishes)) return file;
  const cache = cacheFolder();
  await mkdir(cache, { recursive: true });
  await withLock(
    path.join(cache, 'set-up.lock'),
    async () => {
      if (await isUpToDate(file, wishes)) return;
      onSignals(interrupt);
      await removeIncomplete(cache);
      await removeLeftPolicy();
      const components = componentsSchema.parse(await install(cache, wishes));
      const temporary = `${file}.${process.pid}`;
      await writeFile(temporary, `${JSON.stringify(components, undefined, 2)}\n`);
      await rename(temporary, file);
    },
    (owner) => {
      process.stderr.write(`set-up: waits for another set-up (process ${owner}) to end\n`);
    },
  );
  return file;
}

if (import.meta.main) {
  try {
    const tests = process.argv.includes('--tests');
    await setUp({ tests, chromium: tests });
    await buildDashboard(() => {
      onSignals(interrupt);
    });
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`set-up: ${error.message}\n`);
    process.exitCode = 1;
  }
}
