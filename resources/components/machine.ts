/** Finds programs on this machine that are new enough: Apache httpd, a JDK, Prometheus, Chromium. */
import { accessSync, constants, existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import type { Components } from '../../gate-service/src/settings/components.ts';
import { tryRun } from './command.ts';
import { minimums } from './pins.ts';
import { isAtLeast, versionAfter } from './versions.ts';

/** What was found, or why nothing that was found will do. */
export type Finding<T> = { readonly found: T } | { readonly problem: string };

/** Debian's place for daemons is not on every user's PATH. */
const furtherFolders = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** All executables called `name`, in the order of PATH. */
export function whichAll(name: string): string[] {
  const folders = (process.env.PATH ?? '').split(path.delimiter).filter((folder) => folder !== '');
  const found = [...folders, ...furtherFolders]
    .map((folder) => path.join(folder, name))
    .filter((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
  return [...new Set(found.map((file) => path.resolve(file)))];
}

/** The first candidate that `examine` accepts; otherwise all the reasons. */
async function firstFitting<T>(
  title: string,
  candidates: readonly string[],
  examine: (file: string) => Promise<Finding<T>>,
): Promise<Finding<T>> {
  const problems: string[] = [];
  for (const file of candidates) {
    const finding = await examine(file);
    if ('found' in finding) return finding;
    problems.push(finding.problem);
  }
  return { problem: problems.length === 0 ? `${title} was not found` : problems.join('; ') };
}

async function versionOf(
  title: string,
  file: string,
  marker: RegExp,
  minimum: string,
  flag = '--version',
): Promise<Finding<string>> {
  const result = await tryRun(file, [flag]);
  const version = versionAfter(`${result.stdout}\n${result.stderr}`, marker);
  if (result.code !== 0 || version === undefined) {
    return { problem: `${file} does not tell its version (code ${result.code})` };
  }
  if (!isAtLeast(version, minimum)) {
    return { problem: `${file} is ${title} ${version}, needed is ${minimum} or newer` };
  }
  return { found: version };
}

/** The folder whose `modules/` belongs to the httpd at `file`, on Debian and on Red Hat. */
function serverRootOf(file: string): string | undefined {
  const prefix = path.dirname(path.dirname(realpathSync(file)));
  return ['/usr/lib/apache2', '/etc/httpd', path.join(prefix, 'lib', 'apache2'), prefix].find(
    (folder) => existsSync(path.join(folder, 'modules', 'mod_mpm_event.so')),
  );
}

/** Apache httpd with the event MPM as a module. */
export function findHttpd(): Promise<Finding<Components['httpd']>> {
  const title = `Apache httpd ${minimums.httpd} or newer`;
  return firstFitting(title, [...whichAll('apache2'), ...whichAll('httpd')], async (file) => {
    const version = await versionOf('Apache httpd', file, /Apache\//, minimums.httpd, '-v');
    if ('problem' in version) return version;
    const serverRoot = serverRootOf(file);
    if (serverRoot === undefined) {
      return { problem: `${file} has no modules/mod_mpm_event.so beside it` };
    }
    return { found: { path: file, serverRoot, version: version.found } };
  });
}

/** A JDK (not only a runtime: the sample application is compiled), `$JAVA_HOME` first. */
export function findJava(): Promise<Finding<Components['java']>> {
  const { JAVA_HOME } = process.env;
  const fromHome = JAVA_HOME === undefined ? [] : [path.join(JAVA_HOME, 'bin', 'java')];
  const title = `a JDK ${minimums.java} or newer`;
  return firstFitting(
    title,
    [...fromHome.filter(existsSync), ...whichAll('java')],
    async (file) => {
      const result = await tryRun(file, ['-XshowSettings:properties', '-version']);
      const home = /^\s*java\.home = (.+)$/m.exec(result.stderr)?.[1];
      const version = versionAfter(result.stderr, /^\s*java\.version = /m);
      if (home === undefined || version === undefined) {
        return { problem: `${file} does not tell its version (code ${result.code})` };
      }
      if (!isAtLeast(version, minimums.java)) {
        return { problem: `${file} is Java ${version}, needed is ${minimums.java} or newer` };
      }
      if (!existsSync(path.join(home, 'bin', 'javac'))) {
        return { problem: `${home} is a Java runtime without compiler, needed is a JDK` };
      }
      // Not `file`: a version manager's shim would stand between the agent and its JVM.
      return { found: { path: path.join(home, 'bin', 'java'), home, version } };
    },
  );
}

export function findPrometheus(): Promise<Finding<Components['prometheus']>> {
  const title = `Prometheus ${minimums.prometheus} or newer`;
  return firstFitting(title, whichAll('prometheus'), async (file) => {
    const version = await versionOf(
      'Prometheus',
      file,
      /prometheus, version /,
      minimums.prometheus,
    );
    return 'problem' in version ? version : { found: { path: file, version: version.found } };
  });
}

export function findChromium(): Promise<Finding<NonNullable<Components['chromium']>>> {
  const candidates = [...whichAll('chromium'), ...whichAll('google-chrome')];
  return firstFitting('Chromium', candidates, async (file) => {
    const version = await versionOf('Chromium', file, /Chrom(e|ium) /, minimums.chromium);
    return 'problem' in version ? version : { found: { path: file, version: version.found } };
  });
}

/** Maven of any version still in use. */
export async function findMaven(): Promise<Finding<string>> {
  return firstFitting('Maven 3.6 or newer', whichAll('mvn'), async (file) => {
    const version = await versionOf('Maven', file, /Apache Maven /, '3.6');
    return 'problem' in version ? version : { found: file };
  });
}

/** curl, which pipeline steps talk to the gate service with. */
export function findCurl(): Finding<string> {
  const [file] = whichAll('curl');
  return file === undefined ? { problem: 'curl was not found' } : { found: file };
}

/** A Python that can make virtual environments with pip. */
export async function findPython(): Promise<Finding<string>> {
  return firstFitting('Python 3 with the venv module', whichAll('python3'), async (file) => {
    const result = await tryRun(file, ['-c', 'import venv, ensurepip']);
    return result.code === 0 ? { found: file } : { problem: `${file} lacks the module venv` };
  });
}
