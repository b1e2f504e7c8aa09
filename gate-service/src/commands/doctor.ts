/** `speed-gate doctor`: whether the service could start and measure here, and what to do where it could not. */
import { parseArgs } from 'node:util';
import type { ComponentStatus } from '../platforms/local/component.ts';
import { localPlatformStatus } from '../platforms/local/existing-platform.ts';
import type { Catalogue } from '../settings/catalogue.ts';
import { readCatalogue } from '../settings/catalogue-file.ts';
import { readSettings, stateDirectoryOf } from '../settings/environment.ts';
import { busyServices, checkCluster, removeLeftover, type Busy } from './doctor/cluster.ts';
import { checkComponents } from './doctor/components.ts';
import { checkCatalogue, checkIdentities, checkSettings, checkWebhooks } from './doctor/files.ts';
import { areaOf, wordsOf } from './doctor/finding.ts';
import type { Finding } from './doctor/finding.ts';
import { checkLeftovers } from './doctor/leftovers.ts';
import { checkClock, checkFolder, checkMachine, checkPorts } from './doctor/machine.ts';
import { checkStore } from './doctor/store.ts';
import { openToLook, stateOption } from './state-option.ts';

export const DOCTOR_USAGE = `usage: npm run speed-gate -- doctor [OPTION …]

Checks what the gate service needs, with the settings it would start with, and changes nothing. Each line is ok,
a warning or a problem; warnings and problems come with the remedy. Exit code 1 when there is a problem.

On platform kubernetes the cluster is looked at as well: what the gate needs there, and arms that were left behind.

  --state DIR   state folder of the gate service
  --json        print the findings as JSON
  --remove ARM  take away an arm that was left on the cluster, whole or in part, by its id; may be given several
                times. Refused while something of its service is under way, and for what carries production`;

/** @param print takes the lines for a person */
export async function doctor(
  args: readonly string[],
  print: (line: string) => void = console.log,
): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      state: { type: 'string' },
      json: { type: 'boolean', default: false },
      remove: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    print(DOCTOR_USAGE);
    return;
  }
  if (values.remove.length > 0) {
    await removeAll(values.remove, values.state, print);
    return;
  }
  const findings = await examine(process.env, stateOption(values.state), values.state);
  const count = (status: Finding['status']): number =>
    findings.filter((finding) => finding.status === status).length;
  const problems = count('problem');
  const warnings = count('warning');
  if (values.json) print(JSON.stringify({ problems, warnings, findings }, null, 2));
  else for (const line of linesOf(findings, problems, warnings)) print(line);
  if (problems > 0) process.exitCode = 1;
}

/**
 * All checks, one after the other; one that fails itself is a problem, and the others go on.
 * @param stateGiven the state folder, where a person has named it
 */
export async function examine(
  environment: NodeJS.ProcessEnv,
  stateDirectory = stateDirectoryOf(environment),
  stateGiven?: string,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const attempt = async (
    area: string,
    check: () => Promise<readonly Finding[]> | readonly Finding[],
  ): Promise<void> => {
    try {
      findings.push(...(await check()));
    } catch (error) {
      findings.push(areaOf(area).problem(wordsOf(error), 'see the message'));
    }
  };

  const { findings: about, settings } = checkSettings(environment);
  findings.push(...about);
  let read: Catalogue | undefined;
  let services: readonly string[] = [];
  let components: readonly ComponentStatus[] = [];
  const platform = settings?.platform ?? { kind: 'local' };
  if (settings !== undefined) {
    await attempt('catalogue', async () => {
      const { catalogue, findings: own } = await checkCatalogue(
        settings.catalogueFile,
        platform.kind,
      );
      read = catalogue;
      services = catalogue?.services.map(({ name }) => name) ?? [];
      return own;
    });
    await attempt('identities', () => checkIdentities(settings.identitiesFile, services));
    await attempt('webhooks', () => checkWebhooks(settings.webhooksFile, environment));
  }
  if (platform.kind === 'local') await attempt('components', () => checkComponents(environment));
  await attempt('machine', checkMachine);
  await attempt('folders', () => checkFolder('state folder', stateDirectory));
  await attempt('clock', () => checkClock(stateDirectory));
  await attempt('store', () => checkStore(stateDirectory, settings?.databaseUrl));
  if (platform.kind === 'local') {
    await attempt('leftovers', async () => {
      components = await localPlatformStatus(stateDirectory);
      return checkLeftovers(stateDirectory, components);
    });
  } else if (read !== undefined) {
    const catalogue = read;
    await attempt('cluster', async () =>
      checkCluster(platform, catalogue, await busyNow(stateGiven).catch(() => undefined)),
    );
  }
  if (settings !== undefined) await attempt('ports', () => checkPorts(settings, components));
  return findings;
}

async function busyNow(state: string | undefined): Promise<Busy> {
  const store = await openToLook(state);
  try {
    return await busyServices(store);
  } finally {
    await store.close();
  }
}

/** @throws Error when an arm cannot be removed; those before it are */
async function removeAll(
  ids: readonly string[],
  state: string | undefined,
  print: (line: string) => void,
): Promise<void> {
  const { catalogueFile, platform } = readSettings(process.env);
  if (platform.kind !== 'kubernetes') {
    throw new Error(
      '--remove is for arms on a cluster, and SPEED_GATE_PLATFORM is local: speed-gate down ends what runs here',
    );
  }
  const catalogue = await readCatalogue(catalogueFile, platform.kind);
  for (const id of ids) {
    await removeLeftover(platform, catalogue, await busyNow(state), id);
    print(`removed ${id}`);
  }
}

function linesOf(
  findings: readonly Finding[],
  problems: number,
  warnings: number,
): readonly string[] {
  const width = Math.max(...findings.map(({ area }) => area.length));
  const lines = findings.flatMap(({ area, remedy, status, words }) => [
    `${status.padEnd(7)}  ${area.padEnd(width)}  ${words}`,
    ...(remedy === undefined ? [] : [`${' '.repeat(9 + width)}  -> ${remedy}`]),
  ]);
  const end =
    problems > 0
      ? `${problems} ${problems === 1 ? 'problem' : 'problems'}, ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}: the service cannot do its work before the problems are gone.`
      : `No problem, ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}.`;
  return [...lines, '', end];
}
