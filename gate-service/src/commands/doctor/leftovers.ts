/** Does something run that nobody looks after: components that died, arms or processes that were left behind? */
import type { ComponentStatus } from '../../platforms/local/component.ts';
import { platformFolders } from '../../platforms/local/existing-platform.ts';
import { commandLine } from '../../platforms/local/port-holder.ts';
import { readState } from '../../platforms/local/state.ts';
import { isRunning } from '../../processes/detached-process.ts';
import { allStats } from '../../processes/proc-stat.ts';
import { readProcessRecord } from '../../processes/process-record.ts';
import { areaOf, wordsOf } from './finding.ts';
import type { Finding } from './finding.ts';

const area = areaOf('leftovers');

/** @param components those of the state folder, running or not */
export async function checkLeftovers(
  stateDirectory: string,
  components: readonly ComponentStatus[],
): Promise<readonly Finding[]> {
  const folders = platformFolders(stateDirectory);
  const down = `npm run speed-gate -- down --state ${stateDirectory}`;
  const owner = await readProcessRecord(folders.ownerFile).catch(() => undefined);
  const isOwned = owner !== undefined && isRunning(owner);
  const running = components.filter((one) => one.running);
  const findings: Finding[] = [];
  if (isOwned)
    findings.push(area.ok(`gate service ${owner.pid} looks after ${running.length} components`));
  for (const { name, running: runs, title } of components) {
    if (runs || running.length === 0) continue;
    const remedy = isOwned
      ? 'the service starts it again by itself; see its log'
      : `start the service, or ${down}`;
    findings.push(area.warning(`${title} (${name}) should run and does not`, remedy));
  }
  if (!isOwned && running.length > 0) {
    findings.push(
      area.warning(
        `${running.length} components run without a gate service: ${running.map(({ name }) => name).join(', ')}`,
        `start the service, which adopts them, or ${down}`,
      ),
    );
    findings.push(...(await staging(folders.stateFile, down)));
  }
  if (running.length === 0) {
    const strays = allStats().filter(
      ({ pid, zombie }) =>
        !zombie && pid !== process.pid && commandLine(pid).includes(`${folders.root}/`),
    );
    for (const { pid } of strays) {
      findings.push(
        area.warning(
          `process ${pid} is a leftover: ${commandLine(pid).slice(0, 100)}`,
          `kill ${pid}`,
        ),
      );
    }
  }
  return findings.length > 0 ? findings : [area.ok('nothing runs that nobody looks after')];
}

async function staging(stateFile: string, down: string): Promise<readonly Finding[]> {
  try {
    const arms = (await readState(stateFile))?.arms ?? [];
    return arms
      .filter(({ environment }) => environment === 'staging')
      .map(({ id, service }) =>
        area.warning(
          `arm ${id} of ${service.name} was left in staging`,
          `start the service, which removes it, or ${down}`,
        ),
      );
  } catch (error) {
    return [area.problem(wordsOf(error), down)];
  }
}
