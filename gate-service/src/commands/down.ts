/** `speed-gate down [--state DIR]`: ends all components below a state folder; builds, samples and database stay. */
import { parseArgs } from 'node:util';
import { existingPlatform } from './existing-platform.ts';
import { stateOption } from './state-option.ts';

export async function down(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { state: { type: 'string' } } });
  const state = stateOption(values.state);
  const platform = await existingPlatform(state, (message) => {
    console.error(message);
  });
  const running = (await platform.status()).filter((component) => component.running);
  await platform.down();
  const names = running.map(({ name }) => name).join(', ');
  console.log(names === '' ? `nothing ran below ${state}` : `ended below ${state}: ${names}`);
}
