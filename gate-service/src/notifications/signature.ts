/** Who sent a message, and when: HMAC-SHA256 over time and body. Receivers check it as docs/webhooks.md says. */
import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Endpoint } from './endpoint.ts';

export const SIGNATURE_HEADER = 'speed-gate-signature';
export const DELIVERY_HEADER = 'speed-gate-delivery';
export const EVENT_HEADER = 'speed-gate-event';

/** Shorter ones can be guessed. */
const LEAST_CHARACTERS = 16;
/** The new one and the one it replaces. */
const MOST_SECRETS = 2;

/**
 * Value of the signature header: `t=SECONDS,v1=HEX`, with one `v1` for each secret that is in force.
 * @param atSeconds Unix time
 */
export function sign(secrets: readonly string[], body: string, atSeconds: number): string {
  const signatures = secrets.map(
    (secret) =>
      `v1=${createHmac('sha256', secret)
        .update(`${String(atSeconds)}.${body}`)
        .digest('hex')}`,
  );
  return [`t=${String(atSeconds)}`, ...signatures].join(',');
}

/**
 * Secrets of an endpoint as they are now, so that a change needs no restart; none where it has none.
 * @throws Error naming the variable or file, never its content
 */
export async function secretsOf(
  endpoint: Pick<Endpoint, 'name' | 'secret'>,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<readonly string[]> {
  const { secret } = endpoint;
  if (secret === undefined) return [];
  const where = 'env' in secret ? `the environment variable ${secret.env}` : secret.file;
  let text: string | undefined;
  if ('env' in secret) {
    text = environment[secret.env];
  } else {
    try {
      text = await readFile(secret.file, 'utf8');
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
      throw new Error(
        `the secret of webhook ${endpoint.name} cannot be read from ${where}: ${code}`,
        {
          cause: error,
        },
      );
    }
  }
  const secrets = (text ?? '').split(/\s+/).filter((part) => part !== '');
  if (secrets.length === 0) {
    throw new Error(`the secret of webhook ${endpoint.name} is missing: ${where} is empty`);
  }
  if (secrets.length > MOST_SECRETS) {
    throw new Error(
      `webhook ${endpoint.name} has ${secrets.length} secrets in ${where}: at most ${MOST_SECRETS}, the new one and the one it replaces`,
    );
  }
  if (secrets.some((one) => one.length < LEAST_CHARACTERS)) {
    throw new Error(
      `a secret of webhook ${endpoint.name} in ${where} is shorter than ${LEAST_CHARACTERS} characters: make one with "openssl rand -hex 32"`,
    );
  }
  return secrets;
}
