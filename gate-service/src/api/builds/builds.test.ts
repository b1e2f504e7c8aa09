import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { bearer, openApiFixture } from '../../../../test/support/api-fixture.ts';
import type { ApiFixture } from '../../../../test/support/api-fixture.ts';
import { makeZip } from '../../../../test/support/make-zip.ts';

// Generous: the machine may be busy.
vi.setConfig({ testTimeout: 30_000 });

let fixture: ApiFixture;
beforeEach(async () => {
  fixture = await openApiFixture();
});
afterEach(() => fixture.close());

it('an upload is audited once, also where a service died after it had kept the file', async () => {
  const war = makeZip({ 'WEB-INF/web.xml': 'x' });
  const digest = createHash('sha256').update(war).digest('hex');
  await writeFile(join(fixture.directory, 'builds', `${digest}.war`), war);
  const put = () =>
    fixture.app.inject({
      method: 'PUT',
      url: `/v1/builds/${digest}`,
      headers: { ...bearer('run'), 'content-type': 'application/octet-stream' },
      payload: war,
    });
  expect((await put()).statusCode).toBe(201);
  expect((await put()).statusCode).toBe(200);
  const { items } = await fixture.store.audit({ subject: digest }, { limit: 10 });
  expect(items).toMatchObject([{ action: 'build.upload', actor: 'only-run' }]);
});
