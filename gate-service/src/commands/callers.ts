/** Who the service lets in: by its identities file, which is followed while it serves. */
import type { Logger } from 'pino';
import type { IdentitySource } from '../api/identity/identity-source.ts';
import { watchIdentities } from '../api/identity/identities-watch.ts';
import { createTokenBook } from '../api/identity/token-book.ts';
import type { Catalogue } from '../settings/catalogue.ts';
import type { Settings } from '../settings/environment.ts';
import { isLoopbackAddress } from '../settings/loopback.ts';

export interface Callers {
  readonly tokens: IdentitySource;
  readonly close: () => void;
}

/**
 * @throws DocumentError when the identities file is wrong
 */
export async function openCallers(
  { identitiesFile: file }: Settings,
  catalogue: Catalogue,
  insecureLoopback: boolean,
  log: Logger,
): Promise<Callers> {
  if (file === undefined) {
    if (!insecureLoopback) {
      log.warn('SPEED_GATE_IDENTITIES_FILE is not set: nobody but the health checks gets in');
    }
    return { tokens: createTokenBook([]), close: () => undefined };
  }
  const services = catalogue.services.map(({ name }) => name);
  const identities = await watchIdentities({ file, services, log });
  const reload = (): void => void identities.reload();
  process.on('SIGHUP', reload);
  return {
    tokens: identities,
    close: () => {
      process.off('SIGHUP', reload);
      identities.close();
    },
  };
}

/** @throws Error when others could reach a service that asks nobody for a token */
export function requireLoopback({ listen }: Settings): void {
  if (isLoopbackAddress(listen.host)) return;
  throw new Error(
    `--insecure-loopback lets everybody in who reaches the service, so it must listen on loopback: set SPEED_GATE_LISTEN to 127.0.0.1:${listen.port} or [::1]:${listen.port} (a name will not do), or use tokens`,
  );
}
