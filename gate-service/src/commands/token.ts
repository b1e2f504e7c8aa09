/** `speed-gate token`: makes a token; only its SHA-256 goes into the identities file. */
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { formatPath } from '../settings/yaml-document.ts';
import { tokenDigest, tokenSchema } from '../api/identity/token-book.ts';

/** 256 random bits: nobody guesses them, so a digest without salt keeps them. */
const TOKEN_BYTES = 32;
/** Lets scanners for leaked secrets know it for what it is. */
const PREFIX = 'sgt_';

const USAGE = `usage: speed-gate token NAME --kind person|ci --right RIGHT[=SERVICE,…] [--right …] [--expires 2027-01-31]

Prints a new token, once, and the entry for it in the identities file (SPEED_GATE_IDENTITIES_FILE).
RIGHT is one of read, run, promote, override, loosen, admin; without services it is for all of them.
What builds use is \`--kind ci\`: it can never override a decision.

e.g. speed-gate token checkout-pipeline --kind ci --right read=checkout --right run=checkout`;

export interface MadeToken {
  readonly token: string;
  /** One line of YAML: an item of `tokens`. */
  readonly entry: string;
}

/** @throws Error that says every mistake, and how it is used */
export function makeToken(args: readonly string[], random = randomBytes): MadeToken {
  const { positionals, values } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      kind: { type: 'string' },
      right: { type: 'string', multiple: true, default: [] },
      expires: { type: 'string' },
    },
  });
  const [name, ...others] = positionals;
  if (name === undefined || others.length > 0) throw new Error(`one name is needed\n\n${USAGE}`);
  const token = `${PREFIX}${random(TOKEN_BYTES).toString('base64url')}`;
  const given = {
    name,
    kind: values.kind,
    sha256: tokenDigest(token),
    rights: rightsOf(values.right),
    ...(values.expires !== undefined && { expires: values.expires }),
  };
  const checked = tokenSchema.safeParse(given);
  if (checked.success) return { token, entry: `- ${JSON.stringify(given)}` };
  const problems = checked.error.issues.map(
    ({ path, message }) => `  - ${formatPath(path)}: ${message}`,
  );
  throw new Error(`this token cannot be made:\n${problems.join('\n')}\n\n${USAGE}`);
}

function rightsOf(options: readonly string[]): Record<string, '*' | string[]> {
  return Object.fromEntries(
    options.map((option) => {
      const [right = '', services] = option.split('=', 2);
      return [right, services === undefined || services === '*' ? '*' : services.split(',')];
    }),
  );
}

/** @throws Error that says every mistake, and how it is used */
export function token(args: readonly string[]): Promise<void> {
  const made = makeToken(args);
  console.log(`The token, shown this once – put it into the credential store of who uses it:

  ${made.token}

Below \`tokens:\` in the identities file of the service, which reads it when it is saved:

  ${made.entry}`);
  return Promise.resolve();
}
