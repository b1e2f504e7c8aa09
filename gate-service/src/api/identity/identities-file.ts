/** The identities file: who may do what, in one place. */
import { z } from 'zod';
import { parseYamlDocument } from '../../settings/yaml-document.ts';
import { servicesNamed } from './grants.ts';
import { createTokenBook, tokenSchema } from './token-book.ts';
import type { IdentitySource } from './identity-source.ts';

const identitiesSchema = z.strictObject({
  tokens: z.array(tokenSchema).default([]),
});
export type IdentitiesFile = z.infer<typeof identitiesSchema>;

/**
 * Reads an identities file (YAML or JSON): `tokens: [{name, kind, sha256, rights, expires?}]`.
 * @throws DocumentError with every mistake
 */
export function parseIdentities(text: string, source: string): IdentitiesFile {
  return parseYamlDocument(text, source, identitiesSchema, (file, problem) => {
    for (const field of ['name', 'sha256'] as const) {
      const first = new Map<string, number>();
      file.tokens.forEach((token, index) => {
        const earlier = first.get(token[field]);
        if (earlier === undefined) first.set(token[field], index);
        else problem(['tokens', index, field], `is the same as that of tokens[${earlier}]`);
      });
    }
  });
}

/** Services that are named in the file; one that is not in the catalogue is a slip, and opens nothing. */
export function servicesInFile(file: IdentitiesFile): readonly string[] {
  return [...new Set(file.tokens.flatMap(({ rights }) => servicesNamed(rights)))].sort();
}

/** Knows the callers of the file. */
export function identitiesOf(file: IdentitiesFile): IdentitySource {
  return createTokenBook(file.tokens);
}
