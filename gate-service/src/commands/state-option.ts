import path from 'node:path';
import { defaultStateDirectory } from '../settings/environment.ts';

/** The state folder of a command: `--state`, else `$SPEED_GATE_STATE`, else the default of the service. */
export function stateOption(given: string | undefined): string {
  const own = process.env.SPEED_GATE_STATE;
  return path.resolve(
    given ?? (own === undefined || own === '' ? defaultStateDirectory(process.env) : own),
  );
}
