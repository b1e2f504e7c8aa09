/**
 * The application under load. The sample application waits without a thread, so that Jetty's pool would
 * not matter and headroom.md's workloads could not be told apart; this one holds its thread.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { BuildReference } from '../../../gate-service/src/platforms/platform.ts';
import type { Components } from '../../../gate-service/src/settings/components.ts';

const SOURCES = path.join(import.meta.dirname, 'application');
/** With a fixed time the same source gives the same bytes, and so the same digest. */
const TIME = '2020-01-01T00:00:00Z';
const run = promisify(execFile);

/** @param folder where the WAR goes; must exist */
export async function buildApplication(
  { java, servletApi }: Pick<Components, 'java' | 'servletApi'>,
  folder: string,
): Promise<BuildReference> {
  const tool = (name: string): string => path.join(java.home, 'bin', name);
  const war = path.join(folder, 'work.war');
  const content = path.join(folder, 'content');
  const classes = path.join(content, 'WEB-INF', 'classes');
  await mkdir(classes, { recursive: true });
  await cp(path.join(SOURCES, 'WEB-INF'), path.join(content, 'WEB-INF'), { recursive: true });
  await run(tool('javac'), [
    ...['--release', '17', '-Xlint:all', '-Werror', '-cp', servletApi.path, '-d', classes],
    path.join(SOURCES, 'WorkServlet.java'),
  ]);
  await run(
    tool('jar'),
    ['--create', '--no-manifest', `--date=${TIME}`, '--file', war, '-C', content, '.'],
    { env: { ...process.env, TZ: 'UTC' } },
  );
  const digest = createHash('sha256')
    .update(await readFile(war))
    .digest('hex');
  return { digest, location: war };
}
