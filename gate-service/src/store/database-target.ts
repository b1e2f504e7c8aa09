/** Which PostgreSQL is meant, and what a failure of it means to a person; never the password. */
import { StoreUnavailableError } from '../runs/run-store.ts';

/** SQLSTATE by https://www.postgresql.org/docs/current/errcodes-appendix.html, and what to do. */
const REMEDIES: Readonly<Record<string, string>> = {
  '28P01': 'it refuses user and password: correct them in DATABASE_URL',
  '28000': 'it refuses the user: correct DATABASE_URL, or allow the user in pg_hba.conf',
  '3D000': 'it has no database of that name: create it (createdb NAME), or correct DATABASE_URL',
  '42501': 'the user lacks a right: let it own its database (alter database NAME owner to USER)',
  '53300': 'it has no connection left: raise its max_connections, or run fewer replicas',
  '53100': 'its disk is full: make room there',
  '25006': 'it takes no writes (a standby, or read-only): name the primary in DATABASE_URL',
  '57014': 'the statement took too long and was ended: look for what blocks or loads it',
};
/** Connection exceptions, and a server that is shutting down, recovering or starting. */
const AWAY = /^(08...|57P0.)$/;
const AWAY_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
]);
/** What `pg` says itself, without a code. */
const AWAY_WORDS =
  /connection terminated|connection error|timeout exceeded when trying to connect|timeout expired|query read timeout|connection ended|not queryable/i;

export class DatabaseTarget {
  /** With the password: for the client only. */
  readonly url: string;
  /** `HOST:PORT/NAME`, for messages. */
  readonly name: string;
  readonly #secrets: readonly string[];

  /** @throws Error that does not repeat the URL, because a password is in it */
  constructor(url: string) {
    const parsed = URL.parse(url);
    if (parsed === null || !['postgres:', 'postgresql:'].includes(parsed.protocol)) {
      throw new Error(
        'the URL of the database is none of PostgreSQL: expected postgresql://USER:PASSWORD@HOST:PORT/NAME',
      );
    }
    this.url = url;
    const host = parsed.searchParams.get('host') ?? (parsed.hostname || 'localhost');
    const port = parsed.searchParams.get('port') ?? (parsed.port || '5432');
    this.name = `${host}:${port}${decoded(parsed.pathname) || '/'}`;
    this.#secrets = [parsed.password, decoded(parsed.password)].filter((secret) => secret !== '');
  }

  /** The error for a person when it is one of the database's condition; any other as it is. */
  explain(error: unknown): unknown {
    const [first = error] = error instanceof AggregateError ? (error.errors as unknown[]) : [];
    const code = codeOf(first);
    const reason = this.#scrubbed(first instanceof Error ? first.message : String(first));
    const remedy = REMEDIES[code];
    if (remedy !== undefined) {
      return new StoreUnavailableError(
        `the database ${this.name} cannot be used (${reason}): ${remedy}`,
      );
    }
    if (!AWAY.test(code) && !AWAY_CODES.has(code) && !AWAY_WORDS.test(reason)) return error;
    return new StoreUnavailableError(
      `the database ${this.name} does not answer (${reason}). What was under way may not be stored. ` +
        'Check that PostgreSQL runs there and can be reached; as soon as it answers, so does the service, without a restart.',
    );
  }

  #scrubbed(text: string): string {
    return this.#secrets.reduce((scrubbed, secret) => scrubbed.replaceAll(secret, '***'), text);
  }
}

function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
