/** Writes down where this image has the parts of a node: found once, while it is built, and not by every pod. */
import { writeFile } from 'node:fs/promises';
import type { NodeComponents } from '../../../gate-service/src/commands/pod-node.ts';
import { run, SetupError } from '../../components/command.ts';
import { fetchedPaths } from '../../components/fetched.ts';
import { findHttpd, whichAll } from '../../components/machine.ts';

const [folder, file] = process.argv.slice(2);
if (folder === undefined || file === undefined) {
  throw new Error('usage: node describe.ts COMPONENTS FILE');
}
const httpd = await findHttpd();
if ('problem' in httpd) throw new SetupError(httpd.problem);
const { jettyHome, jolokia } = fetchedPaths(folder);
const found: NodeComponents = {
  httpd: httpd.found.path,
  httpdServerRoot: httpd.found.serverRoot,
  ...(await findRuntime()),
  jettyHome,
  jolokia,
};
await writeFile(file, `${JSON.stringify(found, null, 2)}\n`);

/** A runtime is enough for a node: the set-up's search wants a compiler. */
async function findRuntime(): Promise<Pick<NodeComponents, 'java' | 'javaVersion'>> {
  const [java] = whichAll('java');
  if (java === undefined) throw new SetupError('java was not found');
  const { stderr } = await run(java, ['-XshowSettings:properties', '-version']);
  const home = /^\s*java\.home = (.+)$/m.exec(stderr)?.[1];
  const javaVersion = /^\s*java\.version = (\S+)$/m.exec(stderr)?.[1];
  if (home === undefined || javaVersion === undefined) {
    throw new SetupError(`${java} does not tell its home and version:\n${stderr}`);
  }
  return { java: `${home}/bin/java`, javaVersion };
}
