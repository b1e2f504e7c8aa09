import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { bearer, openApiFixture, runView } from '../../../../test/support/api-fixture.ts';
import type { ApiFixture } from '../../../../test/support/api-fixture.ts';

// Generous: the machine may be busy.
vi.setConfig({ testTimeout: 30_000 });

let fixture: ApiFixture;
beforeEach(async () => {
  fixture = await openApiFixture();
});
afterEach(() => fixture.close());

it('forgets a viewer who left before the stream began', async () => {
  const { app, runs } = fixture;
  await runs.begin(runView());
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;

  const asked = Promise.withResolvers<undefined>();
  const answered = Promise.withResolvers<undefined>();
  const get = vi.spyOn(runs, 'get').mockImplementationOnce(async (id) => {
    asked.resolve(undefined);
    await answered.promise;
    return runs.views.get(id);
  });
  const arrived = once(app.server, 'connection') as Promise<[Socket]>;
  const began = once(app.server, 'request') as Promise<[IncomingMessage, ServerResponse]>;
  const viewer = connect(port, '127.0.0.1');
  const { authorization } = bearer('read');
  viewer.write(
    `GET /v1/runs/run-1/events HTTP/1.1\r\nHost: gate\r\nAuthorization: ${authorization}\r\n\r\n`,
  );
  const [[socket], [, response]] = await Promise.all([arrived, began]);
  await asked.promise;
  const left = once(socket, 'close');
  viewer.destroy();
  await left;
  answered.resolve(undefined);

  // Somebody else's whole way through the same questions: the first one is through with them, too.
  const headers = { ...bearer('read'), accept: 'application/json' };
  for (let n = 0; n < 3; n += 1) {
    const list = await app.inject({ url: '/v1/runs/run-1/events', headers });
    expect(list.statusCode).toBe(200);
  }
  expect(get).toHaveBeenCalledTimes(4);
  expect(runs.listeners('run-1')).toBe(0);
  // Nor is it waited for that he reads.
  expect(response.listenerCount('drain')).toBe(0);
});
