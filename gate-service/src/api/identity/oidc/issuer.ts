/** An OpenID Connect issuer as the identities file describes it: whom it speaks for, and what they may do. */
import { z } from 'zod';
import { rightsSchema } from '../grants.ts';
import { actorNameSchema, overridesNothing } from '../token-book.ts';

/** Asymmetric ones only: a public key must never be able to stand in for a shared secret. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

const urlSchema = z.string().refine(isTrusted, {
  error: 'expected an https:// address without user, query and fragment (http:// on loopback only)',
});

function isTrusted(text: string): boolean {
  const url = URL.parse(text);
  if (url?.username !== '' || url.password !== '') return false;
  if (/[?#\s]/.test(text)) return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.test(url.hostname));
}

const exact = z
  .string()
  .min(1)
  .max(1000)
  .refine((value) => !value.includes('*'), {
    error: 'values are compared as they are: there are no patterns, write each one out',
  });

const grantSchema = z.strictObject({
  /** Name of a claim whose value is a text or a list of texts. */
  claim: z.string().min(1).max(100),
  value: exact,
  /** The actor in records, for claims that belong to one person or job. */
  name: actorNameSchema.optional(),
  rights: rightsSchema,
});

export const issuerSchema = z
  .strictObject({
    /** Stands before subjects in records, and in the log. */
    name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'lower-case letters, digits, dash'),
    /** As the claim `iss` has it, character for character. */
    issuer: urlSchema,
    audience: exact,
    kind: z.enum(['person', 'ci'], 'say `person` or `ci`: what `ci` holds can never override'),
    algorithms: z
      .array(z.enum(ALGORITHMS, `expected one of ${ALGORITHMS.join(', ')}`))
      .min(1)
      .default(['RS256']),
    /** Address of the keys; without it the issuer's discovery document is asked for it. */
    jwks: urlSchema.optional(),
    /** What records call somebody whose grant has no name. */
    actor: z.enum(['sub', 'email']).default('sub'),
    /** Lets people sign in at the dashboard (authorization code with PKCE, no client secret). */
    signIn: z
      .strictObject({
        clientId: z.string().min(1).max(200),
        scopes: z.array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/)).default(['openid']),
        /** Where the token end point is, when not at the issuer: the page may connect there. */
        origins: z.array(urlSchema).default([]),
      })
      .optional(),
    grants: z.array(grantSchema).min(1, 'without a grant nobody of this issuer may do anything'),
  })
  .superRefine((issuer, context) => {
    const wrong = (path: PropertyKey[], message: string): void => {
      context.addIssue({ code: 'custom', path, message });
    };
    if (issuer.kind === 'ci' && issuer.signIn !== undefined) {
      wrong(['signIn'], 'only people sign in');
    }
    issuer.grants.forEach((grant, index) => {
      if (issuer.kind === 'ci' && grant.claim !== 'sub') {
        wrong(
          ['grants', index, 'claim'],
          'a build is known by `sub` (the address of its job) only',
        );
      }
      if (!overridesNothing(issuer.kind, grant.rights)) {
        wrong(['grants', index, 'rights'], '`ci` cannot have `override`: that takes a person');
      }
      if (grant.name !== undefined && !['sub', 'email'].includes(grant.claim)) {
        wrong(
          ['grants', index, 'name'],
          'several people may have this claim: a name goes with `sub` or `email`',
        );
      }
    });
  });

export type Issuer = z.infer<typeof issuerSchema>;
export type Grant = Issuer['grants'][number];
