/** The identities file: who may do what, in one place. */
import type { JWTVerifyGetKey } from 'jose';
import { z } from 'zod';
import { parseYamlDocument } from '../../settings/yaml-document.ts';
import { servicesNamed } from './grants.ts';
import type { IdentitySource } from './identity-source.ts';
import { issuerSchema } from './oidc/issuer.ts';
import type { Issuer } from './oidc/issuer.ts';
import { createOidcSource } from './oidc/oidc-source.ts';
import { createTokenBook, tokenSchema } from './token-book.ts';

const identitiesSchema = z.strictObject({
  tokens: z.array(tokenSchema).default([]),
  oidc: z.array(issuerSchema).default([]),
});
export type IdentitiesFile = z.infer<typeof identitiesSchema>;

/**
 * Reads an identities file (YAML or JSON): static tokens and issuers, as docs/identity.md has them.
 * @throws DocumentError with every mistake
 */
export function parseIdentities(text: string, source: string): IdentitiesFile {
  return parseYamlDocument(text, source, identitiesSchema, (file, problem) => {
    const once = (list: 'tokens' | 'oidc', field: string, values: readonly string[]): void => {
      values.forEach((value, index) => {
        const earlier = values.indexOf(value);
        if (earlier === index) return;
        problem([list, index, field], `is the same as that of ${list}[${earlier}]`);
      });
    };
    once(
      'tokens',
      'name',
      file.tokens.map(({ name }) => name),
    );
    once(
      'tokens',
      'sha256',
      file.tokens.map(({ sha256 }) => sha256),
    );
    once(
      'oidc',
      'name',
      file.oidc.map(({ name }) => name),
    );
    once(
      'oidc',
      'issuer',
      file.oidc.map(({ issuer }) => issuer),
    );
    const signIns = file.oidc.flatMap((issuer, index) =>
      issuer.signIn === undefined ? [] : [index],
    );
    for (const index of signIns.slice(1)) {
      problem(
        ['oidc', index, 'signIn'],
        `the dashboard signs in with oidc[${signIns[0] ?? 0}] already`,
      );
    }
  });
}

/** Services that are named in the file; one that is not in the catalogue is a slip, and opens nothing. */
export function servicesInFile(file: IdentitiesFile): readonly string[] {
  const rights = [
    ...file.tokens.map((token) => token.rights),
    ...file.oidc.flatMap(({ grants }) => grants.map((grant) => grant.rights)),
  ];
  return [...new Set(rights.flatMap(servicesNamed))].sort();
}

/** Knows the callers of the file: by static tokens first, then by those of issuers. */
export function identitiesOf(
  file: IdentitiesFile,
  keysOf: (issuer: Issuer) => JWTVerifyGetKey,
): IdentitySource {
  const book = createTokenBook(file.tokens);
  const oidc = createOidcSource(file.oidc, { keysOf });
  return {
    recognise: (token) => book.recognise(token) ?? oidc.recognise(token),
    signIn: () => oidc.signIn?.(),
  };
}
