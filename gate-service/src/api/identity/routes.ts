/** Who the caller is, and how to become somebody. */
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { identityOf } from './authenticate.ts';
import type { IdentitySource } from './identity-source.ts';
import { rightSchema } from './rights.ts';

export const meSchema = z
  .object({
    name: z.string().describe('How records name the caller.'),
    kind: z.enum(['person', 'ci', 'anonymous']),
    rights: z
      .partialRecord(rightSchema, z.array(z.string()).readonly())
      .describe('Services for each right that is held; `*` stands for all.'),
  })
  .meta({ id: 'Me' });

export const signInSchema = z
  .object({
    token: z.boolean().describe('Whether a token of the identities file opens the service.'),
    oidc: z
      .object({
        issuer: z.string(),
        clientId: z.string(),
        scopes: z.array(z.string()).readonly(),
      })
      .optional()
      .describe('Issuer for the authorization code flow with PKCE; absent: none is set up.'),
    anonymous: z
      .boolean()
      .describe('Whether requests without a token are taken (`--insecure-loopback`).'),
  })
  .meta({ id: 'SignIn' });

export interface IdentityRoutesOptions {
  readonly tokens: IdentitySource;
  /** Whether anybody on this machine gets in without a token. */
  readonly anonymous: boolean;
}

/** Where the dashboard may connect to besides this service: the issuer that people sign in with. */
export function signInOrigins(tokens: IdentitySource): readonly string[] {
  const oidc = tokens.signIn?.();
  if (oidc === undefined) return [];
  return [...new Set([oidc.issuer, ...oidc.origins].map((url) => new URL(url).origin))];
}

/** `GET /v1/me` and `GET /v1/sign-in`. */
export function identityRoutes(options: IdentityRoutesOptions): FastifyPluginCallbackZod {
  return (app, _options, done) => {
    app.get(
      '/v1/me',
      {
        config: { right: 'any' },
        schema: {
          tags: ['identity'],
          summary: 'Who the token belongs to, and what it may do',
          response: { 200: meSchema },
        },
      },
      (request) => {
        const { name, kind, rights } = identityOf(request);
        return { name, kind, rights };
      },
    );

    app.get(
      '/v1/sign-in',
      {
        config: { right: 'public' },
        schema: {
          tags: ['identity'],
          summary: 'Ways to sign in',
          security: [],
          response: { 200: signInSchema },
        },
      },
      () => {
        const oidc = options.tokens.signIn?.();
        return { token: true, ...(oidc !== undefined && { oidc }), anonymous: options.anonymous };
      },
    );
    done();
  };
}
