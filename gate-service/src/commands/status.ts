/** `speed-gate status [--state DIR] [--json]`: what runs on this machine below a state folder. */
import { parseArgs } from 'node:util';
import { localPlatformStatus } from '../platforms/local/existing-platform.ts';
import { stateOption } from './state-option.ts';

export async function status(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { state: { type: 'string' }, json: { type: 'boolean', default: false } },
  });
  const state = stateOption(values.state);
  const components = await localPlatformStatus(state);
  if (values.json) {
    console.log(JSON.stringify({ state, components }, null, 2));
    return;
  }
  if (components.length === 0) {
    console.log(`nothing runs below ${state}`);
    return;
  }
  const width = Math.max(...components.map(({ name }) => name.length));
  for (const { name, pid, ports, running, since } of components) {
    const what = running ? `running since ${since}, pid ${pid}` : 'not running';
    const where = ports.map((port) => `${port.name} ${port.port}`).join(', ');
    console.log(`${name.padEnd(width)}  ${[what, where].filter((part) => part !== '').join(', ')}`);
  }
}
