/** The sample application with more service time: 1.0's WAR with one more line in its properties. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { BuildReference } from '../../../gate-service/src/platforms/platform.ts';
import type { Components } from '../../../gate-service/src/settings/components.ts';

const PROPERTIES = path.join('WEB-INF', 'classes', 'build.properties');
/** With a fixed time the same factor gives the same bytes, and so the same digest. */
const TIME = '2020-01-01T00:00:00Z';

/**
 * Not one of the flavours of the sample application: those are for everyone, this factor is the bench's own.
 * @param folder where the WAR goes; must exist
 * @param factor on every wait of a request
 */
export async function makeSlowBuild(
  { java, wars }: Pick<Components, 'java' | 'wars'>,
  folder: string,
  factor: number,
): Promise<BuildReference> {
  const war = path.join(folder, `checkout-times-${factor}.war`);
  const changed = path.join(folder, 'changed');
  await mkdir(path.join(changed, path.dirname(PROPERTIES)), { recursive: true });
  await writeFile(
    path.join(changed, PROPERTIES),
    `version=1.0-times-${factor}\nwait.scale=${factor}\n`,
  );
  await copyFile(wars['1.0'].path, war);
  await promisify(execFile)(
    path.join(java.home, 'bin', 'jar'),
    ['--update', '--no-manifest', `--date=${TIME}`, '--file', war, '-C', changed, PROPERTIES],
    { env: { ...process.env, TZ: 'UTC' } },
  );
  const digest = createHash('sha256')
    .update(await readFile(war))
    .digest('hex');
  return { digest, location: war };
}
