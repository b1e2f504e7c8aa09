/** The agent's way to start Jetty, held against start.jar's own, and its class data archive. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createClassDataArchive } from '../../gate-service/src/node-agent/class-data-archive.ts';
import { withoutStartJar } from '../../gate-service/src/node-agent/jetty-class-path.ts';
import { loadComponents } from '../../gate-service/src/settings/components.ts';
import { jettyCommand } from '../../gate-service/src/stack/jetty.ts';
import { requireStackConfiguration } from '../../gate-service/src/stack/configuration.ts';
import { stockConfiguration, STOCK_VALUES } from '../../gate-service/src/stack/stock.ts';

const run = promisify(execFile);
const components = loadComponents();
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'jetty-start-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const resources = { cores: 2, memoryMiB: 2048, fileDescriptors: 65_536, javaVersion: 21 };
const virtual = requireStackConfiguration(
  { ...STOCK_VALUES, 'jetty.virtualThreads': true },
  resources,
);

test.each([
  ['platform', stockConfiguration(resources)],
  ['virtual', virtual],
])('the direct start with %s threads is what start.jar would run', async (_, configuration) => {
  const launch = jettyCommand(configuration, {
    java: components.java.path,
    jettyHome: components.jettyHome.path,
    jolokiaJar: components.jolokia.path,
    ports: { http: 1, jolokia: 2 },
    jolokiaLogin: { user: 'u', password: 'p' },
    base: folder,
    war: components.wars['1.0'].path,
    heap: { minimumMiB: 64, maximumMiB: 256 },
    systemProperties: {},
  });
  for (const [name, { text }] of Object.entries(launch.files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  const [java, ...args] = launch.argv;
  const dryRun = await run(java, [...args, '--dry-run'], { cwd: folder });
  const expected = dryRun.stdout.trim().split(/\s+/);
  const actual = withoutStartJar(launch, components.jettyHome.path);

  const after = (command: readonly string[], option: string) =>
    command[command.indexOf(option) + 1]!.split(':');
  // The folder with Jetty's log level is left out: a class data archive cannot hold a folder.
  expect(after(actual, '-cp')).toEqual(
    after(expected, '--class-path').filter((entry) => entry !== join(folder, 'resources')),
  );
  const main = 'org.eclipse.jetty.xml.XmlConfiguration';
  const rest = (command: readonly string[]) => command.slice(command.indexOf(main) + 1);
  const files = (command: readonly string[]) =>
    rest(command).filter((arg) => !/^[\w.]+=/.test(arg));
  expect(files(actual)).toEqual(files(expected));
  const properties = (command: readonly string[]) =>
    rest(command)
      .filter((arg) => /^[\w.]+=/.test(arg))
      // No XML file of these modules reads them.
      .filter((arg) => !/^(java|slf4j)\.version=/.test(arg))
      .sort();
  expect(properties(actual)).toEqual(properties(expected));
});

test('a class data archive is made and serves the very start that nodes use', async () => {
  const archive = join(folder, 'jetty.jsa');
  await createClassDataArchive(
    {
      java: components.java.path,
      jettyHome: components.jettyHome.path,
      jolokia: components.jolokia.path,
      war: components.wars['1.0'].path,
    },
    archive,
  );
  expect((await stat(archive)).size).toBeGreaterThan(5_000_000);
  const startJar = join(components.jettyHome.path, 'start.jar');
  const launch = withoutStartJar(
    { argv: ['java', '-jar', startJar, `jetty.base=${folder}`], threadPool: 'threadpool' },
    components.jettyHome.path,
  );
  const classPath = launch[launch.indexOf('-cp') + 1]!;
  const shared = await run(components.java.path, [
    ...['-Xms64m', '-Xmx256m', '-XX:+UseSerialGC', `-XX:SharedArchiveFile=${archive}`],
    ...['-Xshare:auto', '-Xlog:class+load', '-cp', classPath],
    ...['org.eclipse.jetty.xml.XmlConfiguration'],
  ]).then(
    ({ stdout }) => stdout,
    (error: unknown) => (error as { stdout: string }).stdout,
  );
  expect(shared).toMatch(/org\.eclipse\.jetty\.xml\.XmlConfiguration source: shared objects file/);
});
