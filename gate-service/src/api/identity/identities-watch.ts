/** Follows the identities file: a changed one counts at once, a broken one changes nothing and is said. */
import { readFile } from 'node:fs/promises';
import { unwatchFile, watchFile } from 'node:fs';
import { createHash } from 'node:crypto';
import type { JWTVerifyGetKey } from 'jose';
import type { IdentitySource } from './identity-source.ts';
import { identitiesOf, parseIdentities, servicesInFile } from './identities-file.ts';
import { createIssuerKeys } from './oidc/issuer-keys.ts';
import type { Issuer } from './oidc/issuer.ts';

/** By asking for its time of change: works for files that are renamed into place and for mounted secrets. */
const LOOK_EVERY_MS = 2_000;

export interface IdentitiesLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface IdentitiesOptions {
  /** Absolute path. */
  readonly file: string;
  /** Names of the catalogue's services. */
  readonly services: readonly string[];
  readonly log: IdentitiesLog;
}

export interface WatchedIdentities extends IdentitySource {
  /** Reads the file again now. False: it cannot be used, and what was known before is still in force. */
  reload(): Promise<boolean>;
  close(): void;
}

/**
 * Reads the file, then follows it.
 * @throws DocumentError with every mistake, or the error of reading it: a service must not start on a guess
 */
export async function watchIdentities(options: IdentitiesOptions): Promise<WatchedIdentities> {
  const { file, log, services } = options;
  const keysOf = rememberedKeys(log);
  let digest = '';
  let current = await read();

  async function read(): Promise<IdentitySource> {
    const text = await readFile(file, 'utf8');
    const identities = parseIdentities(text, file);
    digest = createHash('sha256').update(text).digest('hex');
    const strange = servicesInFile(identities).filter((name) => !services.includes(name));
    if (strange.length > 0) {
      log.warn(
        { file, services: strange },
        'the identities file names services that are not in the catalogue: nobody gets a right by that',
      );
    }
    return identitiesOf(identities, keysOf);
  }

  async function reload(): Promise<boolean> {
    const before = digest;
    try {
      current = await read();
    } catch (error) {
      log.error(
        { file, err: error },
        'the identities file cannot be used: the one before is still in force, also what was taken away in the new one',
      );
      return false;
    }
    if (digest !== before) log.info({ file }, 'the identities file was read again and is in force');
    return true;
  }

  // One after the other: of two readings the later one must win.
  let last: Promise<boolean> = Promise.resolve(true);
  const queue = (): Promise<boolean> => (last = last.then(reload));
  const changed = (): void => void queue();
  watchFile(file, { interval: LOOK_EVERY_MS, persistent: false }, changed);
  return {
    recognise: (token) => current.recognise(token),
    signIn: () => current.signIn?.(),
    reload: queue,
    close() {
      unwatchFile(file, changed);
    },
  };
}

/** The keys of an issuer outlive a new file: reading it must not cost a fetch, or fail in an outage. */
function rememberedKeys(log: IdentitiesLog): (issuer: Issuer) => JWTVerifyGetKey {
  const known = new Map<string, JWTVerifyGetKey>();
  return ({ issuer, jwks }) => {
    const address = JSON.stringify([issuer, jwks]);
    const keys = known.get(address) ?? createIssuerKeys({ issuer, jwks, log });
    known.set(address, keys);
    return keys;
  };
}
