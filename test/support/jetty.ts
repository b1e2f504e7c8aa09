/** A bare Jetty with one WAR, for tests that need the application and nothing around it. */
import { execFile, spawn } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { loadComponents } from '../../gate-service/src/settings/components.ts';

export interface BareJetty {
  readonly url: string;
  /** What Jetty has logged so far. */
  log(): string;
  stop(): Promise<void>;
}

const deadlineMs = 60_000;

/**
 * Starts Jetty on a port that it chooses itself and waits until it answers anything at all.
 * @param properties of Jetty's modules, `name=value`
 */
export async function startJetty(
  war: string,
  properties: readonly string[] = [],
): Promise<BareJetty> {
  const { java, jettyHome, classDataArchive } = loadComponents();
  const base = await mkdtemp(path.join(tmpdir(), 'bare-jetty-'));
  const startJar = path.join(jettyHome.path, 'start.jar');
  await mkdir(path.join(base, 'webapps'));
  await copyFile(war, path.join(base, 'webapps', 'root.war'));
  await promisify(execFile)(
    java.path,
    ['-jar', startJar, '--add-modules=http,ee10-deploy,ee10-webapp'],
    { cwd: base },
  );
  const archive =
    classDataArchive === undefined ? [] : [`-XX:SharedArchiveFile=${classDataArchive.path}`];
  const child = spawn(
    java.path,
    [
      ...['-Xmx128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', ...archive],
      ...[`-Djava.io.tmpdir=${base}`, '-jar', startJar],
      ...['jetty.http.host=127.0.0.1', 'jetty.http.port=0', 'jetty.deploy.scanInterval=0'],
      ...properties,
    ],
    { cwd: base, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (log += text));
  }
  const ended = new Promise<void>((resolve) => {
    child.on('close', () => {
      resolve();
    });
  });
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
    await rm(base, { recursive: true, force: true });
  };
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const port = /Started .*ServerConnector.*\{127\.0\.0\.1:(\d+)\}/.exec(log)?.[1];
    if (port !== undefined && log.includes('Started oejs.Server')) {
      return { url: `http://127.0.0.1:${port}`, log: () => log, stop };
    }
    if (child.exitCode !== null || performance.now() > deadline) {
      await stop();
      throw new Error(`Jetty did not start:\n${log}`);
    }
    await setTimeout(50);
  }
}
