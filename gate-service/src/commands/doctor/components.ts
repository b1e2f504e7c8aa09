/** Are the components there that the set-up found, in the versions it found? */
import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Components } from '../../settings/components.ts';
import { componentsFile, loadComponents } from '../../settings/components.ts';
import { areaOf, wordsOf } from './finding.ts';
import type { Finding } from './finding.ts';

const run = promisify(execFile);
const VERSION_MS = 20_000;
const SETUP = 'npm run setup';
const area = areaOf('components');

/** Runs each program once to ask for its version. */
export async function checkComponents(environment: NodeJS.ProcessEnv): Promise<readonly Finding[]> {
  let components: Components;
  try {
    components = loadComponents(environment);
  } catch (error) {
    return [area.problem(wordsOf(error).replace(/ Run "npm run setup".*/s, ''), SETUP)];
  }
  const { envoy, httpd, java, jettyHome, jolokia, prometheus } = components;
  const programs = [
    program('Apache httpd', httpd, ['-v'], /Apache\/(\S+)/),
    program('Java', java, ['-version'], /version "([^"]+)"/),
    program('Envoy', envoy, ['--version'], /version: \S+?\/([^/\s]+)/),
    program('Prometheus', prometheus, ['--version'], /prometheus, version (\S+)/),
  ];
  const files = [file('Jetty', jettyHome), file('Jolokia', jolokia)];
  return [
    area.ok(`the set-up is recorded in ${componentsFile(environment)}`),
    ...(await Promise.all([...programs, ...files])),
  ];
}

interface Versioned {
  readonly path: string;
  readonly version: string;
}

async function program(
  title: string,
  { path, version }: Versioned,
  args: readonly string[],
  pattern: RegExp,
): Promise<Finding> {
  try {
    await access(path, constants.X_OK);
    const { stderr, stdout } = await run(path, [...args], { timeout: VERSION_MS });
    const found = pattern.exec(`${stdout}\n${stderr}`)?.[1];
    if (found === undefined) return area.problem(`${path} does not tell its version`, SETUP);
    // Builds add to the version: 2.42.0+ds of 2.42.0.
    if (found.startsWith(version) || version.startsWith(found)) {
      return area.ok(`${title} ${found} at ${path}`);
    }
    return area.warning(`${title} at ${path} is ${found}; the set-up found ${version}`, SETUP);
  } catch (error) {
    const words = wordsOf(error).split('\n', 1)[0] ?? '';
    return area.problem(`${title} cannot be run at ${path}: ${words}`, SETUP);
  }
}

async function file(title: string, { path, version }: Versioned): Promise<Finding> {
  try {
    await access(path, constants.R_OK);
    return area.ok(`${title} ${version} at ${path}`);
  } catch {
    return area.problem(`${title} is not at ${path}`, SETUP);
  }
}
