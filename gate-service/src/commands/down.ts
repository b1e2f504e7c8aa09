/** `speed-gate down [--state DIR]`: ends all components below a state folder; builds, samples and database stay. */
import { parseArgs } from 'node:util';
import { localPlatformDown } from '../platforms/local/existing-platform.ts';
import { stateOption } from './state-option.ts';

export async function down(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { state: { type: 'string' } } });
  const state = stateOption(values.state);
  const names = (await localPlatformDown(state)).join(', ');
  console.log(names === '' ? `nothing ran below ${state}` : `ended below ${state}: ${names}`);
}
