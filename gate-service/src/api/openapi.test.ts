import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openApiText } from './operations/openapi.ts';
import { openApiFixture } from '../../../test/support/api-fixture.ts';
import type { ApiFixture } from '../../../test/support/api-fixture.ts';

const FILE = join(import.meta.dirname, '../../../docs/openapi.json');
const RENEW = 'npm run openapi';

let fixture: ApiFixture;
beforeAll(async () => {
  fixture = await openApiFixture();
});
afterAll(() => fixture.close());

it('is committed as it is served', async () => {
  const config = await resolveConfig(FILE);
  const text = await format(openApiText(fixture.app), { ...config, parser: 'json' });
  try {
    await expect(text).toMatchFileSnapshot(FILE);
  } catch (error) {
    throw new Error(`docs/openapi.json does not say what the API is any more. Renew it: ${RENEW}`, {
      cause: error,
    });
  }
});

it('is served to anybody, describes every right, and refers to nothing that is not there', async () => {
  const answer = await fixture.app.inject('/openapi.json');
  expect(answer.statusCode).toBe(200);
  const document = answer.json<{
    openapi: string;
    components: { schemas: object };
    paths: object;
  }>();
  expect(document.openapi).toMatch(/^3\.1\./);
  const references = [...answer.body.matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(
    ([, name]) => name!,
  );
  expect(references.length).toBeGreaterThan(10);
  expect(Object.keys(document.components.schemas)).not.toContain('RunInput');
  for (const name of references) expect(document.components.schemas).toHaveProperty(name);
  for (const operations of Object.values(document.paths) as object[]) {
    for (const operation of Object.values(operations) as object[]) {
      expect(operation).toHaveProperty('x-right');
      expect(operation).toHaveProperty('summary');
      expect(operation).toHaveProperty('responses.default');
    }
  }
});
