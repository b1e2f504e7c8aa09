import { access } from 'node:fs/promises';
import path from 'node:path';
import { stateDirectoryOf, storePlaceOf } from '../settings/environment.ts';
import { openStore, type Store } from '../store/store.ts';

/** The state folder of a command: `--state`, else as the service has it by environment and settings file. */
export function stateOption(given: string | undefined): string {
  return given === undefined ? stateDirectoryOf(process.env) : path.resolve(given);
}

/**
 * Opens the service's database to look at it: the file in `--state`, else the one that the settings name. Nothing
 * of it is changed.
 * @throws SettingsError when the settings cannot be read
 * @throws Error when there is none: opening would make an empty one
 */
export async function openToLook(state: string | undefined): Promise<Store> {
  const place = storePlaceOf(process.env, state);
  if ('file' in place) {
    await access(place.file).catch(() => {
      throw new Error(
        `${path.dirname(place.file)} is no state folder of a gate service: name it with --state, or the database as the service's settings do`,
      );
    });
  }
  return openStore({ ...place, migrate: false });
}
