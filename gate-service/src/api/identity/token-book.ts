/** Static bearer tokens. Only their SHA-256 is known here, so that the file that holds them opens no door. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { rightsSchema } from './grants.ts';
import type { IdentitySource, Recognition } from './identity-source.ts';
import { createIdentity, everywhere, forbiddenRights } from './rights.ts';
import type { Right, Rights } from './rights.ts';

/** A digest without salt is enough for a long random token, and for nothing shorter. */
const LEAST_CHARACTERS = 20;

export const actorNameSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._@-]{0,79}$/, 'letters, digits, dot, dash, underscore, @');

const kindSchema = z.enum(
  ['person', 'ci'],
  'say `person` or `ci`: what `ci` holds can never override a decision',
);

export const tokenSchema = z
  .strictObject({
    /** The actor in runs, overrides and audit. */
    name: actorNameSchema,
    kind: kindSchema,
    sha256: z
      .string()
      .regex(
        /^[0-9a-f]{64}$/,
        'the SHA-256 of the token (64 lower-case hex digits), not the token',
      ),
    rights: rightsSchema,
    expires: z
      .union([z.iso.date(), z.iso.datetime({ offset: true })], {
        error: 'expected a day (2027-01-31: from its beginning in UTC) or a moment in ISO 8601',
      })
      .optional(),
  })
  .refine((token) => overridesNothing(token.kind, token.rights), {
    path: ['rights'],
    message: 'a `ci` token cannot have `override`: that takes a person',
    // Also beside other mistakes, so that one correction is enough.
    when: () => true,
  });

/** Takes values of unchecked shape: it runs beside other mistakes. */
export function overridesNothing(kind: unknown, rights: unknown): boolean {
  if (kind !== 'ci' || typeof rights !== 'object' || rights === null) return true;
  return forbiddenRights('ci', rights).length === 0;
}

export interface TokenEntry {
  readonly name: string;
  readonly kind: 'person' | 'ci';
  /** Lower-case hex. */
  readonly sha256: string;
  /** A list: for all services. */
  readonly rights: Rights | readonly Right[];
  /** ISO 8601; from then on the token is refused with a word of its own. */
  readonly expires?: string | undefined;
}

/** @param entries names and digests, each once */
export function createTokenBook(
  entries: readonly TokenEntry[],
  now: () => Date = () => new Date(),
): IdentitySource {
  const known = entries.map(({ name, kind, sha256, rights, expires }) => ({
    digest: Buffer.from(sha256, 'hex'),
    expiresMs: expires === undefined ? Infinity : Date.parse(expires),
    identity: createIdentity(name, kind, isList(rights) ? everywhere(rights) : rights),
  }));
  return {
    /** Takes the same time whichever token it is. */
    recognise(token): Recognition {
      if (token.length < LEAST_CHARACTERS) {
        const detail = `a token has at least ${LEAST_CHARACTERS} characters: have one made (speed-gate token)`;
        return { refusal: { code: 'unauthorized', detail } };
      }
      const digest = createHash('sha256').update(token).digest();
      let found: (typeof known)[number] | undefined;
      for (const one of known) {
        if (timingSafeEqual(one.digest, digest)) found = one;
      }
      if (found === undefined) return undefined;
      // What cannot be read as a moment has passed.
      if (now().getTime() < found.expiresMs) return { identity: found.identity };
      return {
        refusal: {
          code: 'expired',
          detail: `the token of ${found.identity.name} has expired: have a new one made (speed-gate token)`,
        },
      };
    },
  };
}

function isList(rights: Rights | readonly Right[]): rights is readonly Right[] {
  return Array.isArray(rights);
}

/** The digest that belongs into an identities file. */
export function tokenDigest(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
