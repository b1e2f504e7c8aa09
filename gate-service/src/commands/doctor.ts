/** `speed-gate doctor`: whether the service could start and measure here, and what to do where it could not. */
import { parseArgs } from 'node:util';
import type { ComponentStatus } from '../platforms/local/component.ts';
import { localPlatformStatus } from '../platforms/local/existing-platform.ts';
import { stateDirectoryOf } from '../settings/environment.ts';
import { checkComponents } from './doctor/components.ts';
import { checkCatalogue, checkIdentities, checkSettings, checkWebhooks } from './doctor/files.ts';
import { areaOf, wordsOf } from './doctor/finding.ts';
import type { Finding } from './doctor/finding.ts';
import { checkLeftovers } from './doctor/leftovers.ts';
import { checkClock, checkFolder, checkMachine, checkPorts } from './doctor/machine.ts';
import { checkStore } from './doctor/store.ts';
import { stateOption } from './state-option.ts';

export const DOCTOR_USAGE = `usage: npm run speed-gate -- doctor [OPTION …]

Checks what the gate service needs, with the settings it would start with, and changes nothing. Each line is ok,
a warning or a problem; warnings and problems come with the remedy. Exit code 1 when there is a problem.

  --state DIR  state folder of the gate service
  --json       print the findings as JSON`;

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
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    print(DOCTOR_USAGE);
    return;
  }
  const findings = await examine(process.env, stateOption(values.state));
  const count = (status: Finding['status']): number =>
    findings.filter((finding) => finding.status === status).length;
  const problems = count('problem');
  const warnings = count('warning');
  if (values.json) print(JSON.stringify({ problems, warnings, findings }, null, 2));
  else for (const line of linesOf(findings, problems, warnings)) print(line);
  if (problems > 0) process.exitCode = 1;
}

/** All checks, one after the other; one that fails itself is a problem, and the others go on. */
export async function examine(
  environment: NodeJS.ProcessEnv,
  stateDirectory = stateDirectoryOf(environment),
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
  let services: readonly string[] = [];
  let components: readonly ComponentStatus[] = [];
  if (settings !== undefined) {
    await attempt('catalogue', async () => {
      const { catalogue, findings: own } = await checkCatalogue(settings.catalogueFile);
      services = catalogue?.services.map(({ name }) => name) ?? [];
      return own;
    });
    await attempt('identities', () => checkIdentities(settings.identitiesFile, services));
    await attempt('webhooks', () => checkWebhooks(settings.webhooksFile, environment));
  }
  await attempt('components', () => checkComponents(environment));
  await attempt('machine', checkMachine);
  await attempt('folders', () => checkFolder('state folder', stateDirectory));
  await attempt('clock', () => checkClock(stateDirectory));
  await attempt('store', () => checkStore(stateDirectory, settings?.databaseUrl));
  await attempt('leftovers', async () => {
    components = await localPlatformStatus(stateDirectory);
    return checkLeftovers(stateDirectory, components);
  });
  if (settings !== undefined) await attempt('ports', () => checkPorts(settings, components));
  return findings;
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
