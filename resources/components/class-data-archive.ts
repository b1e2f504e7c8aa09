/** Where the archive of Jetty's classes lies in the cache; the node agent, which starts Jetty, knows how to make it. */
import path from 'node:path';
import {
  ARCHIVE_GENERATION,
  createClassDataArchive,
} from '../../gate-service/src/node-agent/class-data-archive.ts';
import type { Components } from '../../gate-service/src/settings/components.ts';
import { digestOf, entry } from './cache.ts';
import { interrupted } from './command.ts';

/** Where the archive for this JVM and Jetty lies in `cache`: another JVM would not take it. */
export async function classDataArchivePath(
  cache: string,
  java: Components['java'],
  jetty: string,
): Promise<string> {
  const digest = await digestOf([], java.home, java.version, ARCHIVE_GENERATION);
  return path.join(cache, `class-data-jetty-${jetty}-${digest}`, 'jetty.jsa');
}

/** Starts a Jetty with the sample application once and lets the JVM write the archive as it ends. */
export async function makeClassDataArchive(
  cache: string,
  components: Pick<Components, 'java' | 'jettyHome' | 'jolokia'>,
  war: string,
): Promise<string> {
  const { java, jettyHome, jolokia } = components;
  const target = await classDataArchivePath(cache, java, jettyHome.version);
  await entry(cache, path.basename(path.dirname(target)), (folder) =>
    createClassDataArchive(
      { java: java.path, jettyHome: jettyHome.path, jolokia: jolokia.path, war },
      path.join(folder, path.basename(target)),
      interrupted,
    ),
  );
  return target;
}
