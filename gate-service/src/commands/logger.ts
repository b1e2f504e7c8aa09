/** The service's log: one line of JSON for each thing that happened, and nothing secret in any of them. */
import { pino, stdSerializers } from 'pino';
import type { DestinationStream, LevelWithSilent, Logger } from 'pino';

const HIDDEN = '[hidden]';

/** Names under which secrets may stand, one level deep and two. */
const SECRET_NAMES = [
  'authorization',
  'cookie',
  'password',
  'secret',
  'secrets',
  'token',
  'tokens',
  'databaseUrl',
  'connectionString',
];
const SECRET_HEADERS = ['authorization', 'cookie', '["set-cookie"]', '["speed-gate-signature"]'];

/**
 * @param level least level that is written
 * @param destination where lines go; standard output unless told
 */
export function createLogger(level: LevelWithSilent, destination?: DestinationStream): Logger {
  const options = {
    level,
    redact: {
      paths: [
        ...SECRET_NAMES.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]),
        ...SECRET_HEADERS.flatMap((name) =>
          ['headers', '*.headers'].map((path) =>
            name.startsWith('[') ? path + name : `${path}.${name}`,
          ),
        ),
      ],
      censor: HIDDEN,
    },
    serializers: {
      err: (error: Error) => {
        const { message, stack, ...rest } = stdSerializers.err(error);
        return { ...rest, message: withoutSecrets(message), stack: withoutSecrets(stack) };
      },
      req: (request: { method: string; url: string; ip?: string; id?: unknown }) => ({
        method: request.method,
        url: withoutQueryValues(request.url),
        remoteAddress: request.ip,
      }),
    },
    hooks: {
      logMethod(this: Logger, args: unknown[], method: (...given: unknown[]) => void): void {
        method.apply(
          this,
          args.map((one) => (typeof one === 'string' ? withoutSecrets(one) : one)),
        );
      },
    },
  };
  return destination === undefined ? pino(options as never) : pino(options as never, destination);
}

/** Passwords in addresses and bearer tokens do not belong into words either, whoever put them there. */
export function withoutSecrets(text: string): string {
  return text
    .replace(/(\b[a-z][a-z0-9+.-]*:\/\/[^\s:@/]*:)[^\s@]+@/gi, `$1${HIDDEN}@`)
    .replace(/\b(bearer\s+)[A-Za-z0-9._~+/-]+=*/gi, `$1${HIDDEN}`);
}

/** Values of queries may be codes of a sign-in; their names say enough. */
function withoutQueryValues(url: string): string {
  const at = url.indexOf('?');
  if (at < 0) return url;
  const names = url
    .slice(at + 1)
    .split('&')
    .map((pair) => pair.replace(/=.*$/, '=…'));
  return `${url.slice(0, at)}?${names.join('&')}`;
}
