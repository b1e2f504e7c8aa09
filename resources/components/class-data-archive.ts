/**
 * An archive of the classes that Jetty loads (application class-data sharing): a node that starts
 * with it spends less CPU on its start, which it takes from the nodes that are being measured.
 */
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Components } from '../../gate-service/src/settings/components.ts';
import { digestOf, entry } from './cache.ts';
import { run, SetupError, start } from './command.ts';

const modules =
  'http,unixdomain-http,ee10-deploy,ee10-webapp,jmx,statistics,threadpool,state,graceful,forwarded';
const deadlineMs = 120_000;

/** Where the archive for this JVM and Jetty lies in `cache`: another JVM would not take it. */
export async function classDataArchivePath(
  cache: string,
  java: Components['java'],
  jetty: string,
): Promise<string> {
  const digest = await digestOf([], java.home, java.version, modules);
  return path.join(cache, `class-data-jetty-${jetty}-${digest}`, 'jetty.jsa');
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => {
        resolve(port);
      });
    });
  });
}

async function untilHealthy(url: string, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (performance.now() < deadline && child.exitCode === null && child.signalCode === null) {
    const status = await fetch(url).then(
      (answer) => answer.status,
      () => 0,
    );
    if (status === 200) return;
    await setTimeout(100);
  }
  throw new SetupError(`Jetty did not answer 200 at ${url}`);
}

/** Starts a Jetty with the sample application once and lets the JVM write the archive as it ends. */
export async function makeClassDataArchive(
  cache: string,
  java: Components['java'],
  jettyHome: Components['jettyHome'],
  war: string,
): Promise<string> {
  const target = await classDataArchivePath(cache, java, jettyHome.version);
  await entry(cache, path.basename(path.dirname(target)), async (folder) => {
    const base = path.join(folder, 'base');
    await mkdir(path.join(base, 'webapps'), { recursive: true });
    await copyFile(war, path.join(base, 'webapps', 'root.war'));
    const startJar = path.join(jettyHome.path, 'start.jar');
    await run(java.path, ['-jar', startJar, `--add-modules=${modules}`], { cwd: base });
    const port = await freePort();
    const archive = path.join(folder, path.basename(target));
    const child = start(
      java.path,
      [
        ...['-Xmx256m', '-XX:+UseSerialGC', `-XX:ArchiveClassesAtExit=${archive}`],
        `-Djava.io.tmpdir=${base}`,
        ...['-jar', startJar, 'jetty.http.host=127.0.0.1', `jetty.http.port=${port}`],
        ...[`jetty.unixdomain.path=${path.join(base, 'jetty.sock')}`, 'jetty.state=jetty.state'],
        'jetty.deploy.scanInterval=0',
      ],
      { cwd: base, stdio: 'ignore' },
    );
    const ended = new Promise<void>((resolve) => {
      child.on('error', resolve);
      child.on('close', () => {
        resolve();
      });
    });
    try {
      await untilHealthy(`http://127.0.0.1:${port}/health`, child);
    } finally {
      child.kill('SIGTERM');
      await ended;
    }
    if (!existsSync(archive)) throw new SetupError(`${java.path} wrote no class-data archive`);
    await rm(base, { recursive: true });
  });
  return target;
}
