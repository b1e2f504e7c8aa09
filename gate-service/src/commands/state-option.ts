import path from 'node:path';
import { stateDirectoryOf } from '../settings/environment.ts';

/** The state folder of a command: `--state`, else as the service has it by environment and settings file. */
export function stateOption(given: string | undefined): string {
  return given === undefined ? stateDirectoryOf(process.env) : path.resolve(given);
}
