/** Static bearer tokens. Only their SHA-256 is known here, so that the file that holds them opens no door. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { parseYamlDocument } from '../../settings/yaml-document.ts';
import { rightSchema } from './rights.ts';
import type { Identity, Right } from './rights.ts';

const tokenSchema = z.strictObject({
  /** The actor in runs, overrides and audit. */
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._@-]{0,79}$/, 'letters, digits, dot, dash, underscore, @'),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'the SHA-256 of the token (64 lower-case hex digits), not the token'),
  rights: z.array(rightSchema).min(1, 'a token without a right is of no use'),
});
const tokensFileSchema = z.strictObject({ tokens: z.array(tokenSchema) });

export type TokenEntry = z.infer<typeof tokenSchema>;

export interface TokenBook {
  /** Who the token belongs to; undefined for nobody's. Takes the same time whichever token it is. */
  identify(token: string): Identity | undefined;
}

/** @param entries names and digests, each once */
export function createTokenBook(entries: readonly TokenEntry[]): TokenBook {
  const known = entries.map((entry) => ({
    digest: Buffer.from(entry.sha256, 'hex'),
    identity: { name: entry.name, rights: new Set<Right>(entry.rights) } satisfies Identity,
  }));
  return {
    identify(token) {
      const digest = createHash('sha256').update(token).digest();
      let found: Identity | undefined;
      for (const one of known) {
        if (timingSafeEqual(one.digest, digest)) found = one.identity;
      }
      return found;
    },
  };
}

/**
 * Reads a tokens file: `tokens: [{name, sha256, rights: [read, run, …]}]` in YAML (or JSON).
 * @throws DocumentError with every mistake
 */
export function parseTokens(text: string, source: string): TokenBook {
  const { tokens } = parseYamlDocument(text, source, tokensFileSchema, (file, problem) => {
    for (const field of ['name', 'sha256'] as const) {
      const first = new Map<string, number>();
      file.tokens.forEach((token, index) => {
        const earlier = first.get(token[field]);
        if (earlier === undefined) first.set(token[field], index);
        else problem(['tokens', index, field], `is the same as that of tokens[${earlier}]`);
      });
    }
  });
  return createTokenBook(tokens);
}

/** The digest that belongs into a tokens file. */
export function tokenDigest(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
