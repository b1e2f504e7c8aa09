/** Event streams and uploads over real connections. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OverrideView, RunEvent } from '../../gate-service/src/runs/run.ts';
import { bearer, MAX_BUILD_BYTES, openApiFixture, runView } from '../support/api-fixture.ts';
import type { ApiFixture } from '../support/api-fixture.ts';
import { makeZip } from '../support/make-zip.ts';

let fixture: ApiFixture;
let port: number;
beforeEach(async () => {
  fixture = await openApiFixture();
  await fixture.app.listen({ host: '127.0.0.1', port: 0 });
  ({ port } = fixture.app.server.address() as AddressInfo);
});
afterEach(() => fixture.close());

interface Viewer {
  readonly response: Response;
  /** Reads on until `count` events are there, or the stream ends. */
  read(count: number): Promise<readonly RunEvent[]>;
  readonly ended: () => boolean;
  leave(): void;
}

async function view(headers: Record<string, string> = {}): Promise<Viewer> {
  const abort = new AbortController();
  const response = await fetch(`http://127.0.0.1:${String(port)}/v1/runs/run-1/events`, {
    headers: { ...bearer('read'), accept: 'text/event-stream', ...headers },
    signal: abort.signal,
  });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  const events: RunEvent[] = [];
  let rest = '';
  let ended = false;
  return {
    response,
    ended: () => ended,
    leave: () => {
      abort.abort();
    },
    async read(count) {
      while (events.length < count) {
        const { done, value } = await reader!.read();
        if (done) break;
        rest += value;
        const blocks = rest.split('\n\n');
        rest = blocks.pop()!;
        for (const block of blocks) {
          if (block.includes('event: end')) ended = true;
          const data = /^id: (\d+)\nevent: (\w+)\ndata: (.*)$/m.exec(block);
          if (data === null) continue;
          const event = JSON.parse(data[3]!) as RunEvent;
          expect(event.sequence).toBe(Number(data[1]));
          expect(event.type).toBe(data[2]);
          events.push(event);
        }
      }
      return events;
    },
  };
}

const sequences = (events: readonly RunEvent[]) => events.map((event) => event.sequence);

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('event streams', () => {
  beforeEach(() => fixture.runs.begin(runView()));

  it('replay what was, follow what comes, and end with the run', async () => {
    await fixture.runs.emit('run-1', 'first');
    const viewer = await view();
    expect(viewer.response.headers.get('content-type')).toContain('text/event-stream');
    expect(viewer.response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(sequences(await viewer.read(1))).toStrictEqual([1]);
    await fixture.runs.emit('run-1', 'two\nlines – and "quotes"');
    expect((await viewer.read(2))[1]?.message).toBe('two\nlines – and "quotes"');
    fixture.runs.views.set('run-1', runView({ phase: 'finished' }));
    await fixture.runs.emit('run-1', 'decided', 'decision');
    expect(sequences(await viewer.read(99))).toStrictEqual([1, 2, 3]);
    expect(viewer.ended()).toBe(true);
    await until(() => fixture.runs.listeners('run-1') === 0);
  });

  it('continue after the last event that was seen, and say when nothing more will come', async () => {
    for (const message of ['a', 'b', 'c']) await fixture.runs.emit('run-1', message);
    const viewer = await view({ 'last-event-id': '2' });
    expect(sequences(await viewer.read(1))).toStrictEqual([3]);
    viewer.leave();
    fixture.runs.views.set('run-1', runView({ phase: 'finished' }));
    expect((await view({ 'last-event-id': '3' })).response.status).toBe(204);
    const late = await view({ 'last-event-id': '1' });
    expect(sequences(await late.read(99))).toStrictEqual([2, 3]);
  });

  it('go on beyond the decision while what somebody ordered beside it is at work', async () => {
    const order = (state: OverrideView['state'], promotion?: OverrideView['promotion']) => {
      const override: OverrideView = {
        id: 'o-1',
        actor: 'ann',
        order: 'rollback',
        reason: 'errors at night',
        at: '2026-01-01T00:10:00.000Z',
        expiresAt: '2026-01-01T01:10:00.000Z',
        state,
        ...(promotion === undefined ? {} : { promotion }),
      };
      fixture.runs.views.set('run-1', runView({ phase: 'finished', overrides: [override] }));
    };
    order('waiting');
    await fixture.runs.emit('run-1', 'decided', 'decision');
    const viewer = await view();
    expect(sequences(await viewer.read(1))).toStrictEqual([1]);
    order('acted', { id: 'o-1', state: 'running', steps: [] });
    await fixture.runs.emit('run-1', 'the promotion begins', 'override');
    await viewer.read(2);
    order('acted', { id: 'o-1', state: 'completed', steps: [] });
    await fixture.runs.emit('run-1', 'in force', 'promotion', { state: 'completed' });
    expect(sequences(await viewer.read(99))).toStrictEqual([1, 2, 3]);
    expect(viewer.ended()).toBe(true);
  });

  it('lose nothing and repeat nothing for many viewers who come while events are written', async () => {
    const total = 200;
    const viewers: Promise<Viewer>[] = [];
    const writing = (async () => {
      for (let n = 1; n < total; n += 1) {
        await fixture.runs.emit('run-1', String(n));
        if (n % 10 === 0) viewers.push(view());
        // The embedded database answers at once; without a pause nobody else would get a turn.
        await new Promise(setImmediate);
      }
      fixture.runs.views.set('run-1', runView({ phase: 'finished' }));
      await fixture.runs.emit('run-1', 'decided', 'decision');
    })();
    await writing;
    const seen = await Promise.all(viewers.map(async (viewer) => (await viewer).read(total)));
    expect(seen).toHaveLength(19);
    const all = Array.from({ length: total }, (_, n) => n + 1);
    for (const events of seen) expect(sequences(events)).toStrictEqual(all);
  });

  it('let go of a viewer who leaves', async () => {
    const viewer = await view();
    await until(() => fixture.runs.listeners('run-1') === 1);
    viewer.leave();
    await until(() => fixture.runs.listeners('run-1') === 0);
  });

  it('do not keep the service from shutting down', async () => {
    const viewer = await view();
    await until(() => fixture.runs.listeners('run-1') === 1);
    await fixture.app.close();
    // Ended, not cut off: reading on does not fail.
    expect(await viewer.read(1)).toStrictEqual([]);
    expect(fixture.runs.listeners('run-1')).toBe(0);
  });
});

describe('uploads', () => {
  const put = (digest: string, body: ReadableStream<Uint8Array> | Buffer) =>
    fetch(`http://127.0.0.1:${String(port)}/v1/builds/${digest}`, {
      method: 'PUT',
      headers: bearer('run'),
      body,
      ...(body instanceof ReadableStream && { duplex: 'half' }),
    });

  it('get their answer even when they are refused half-way and keep sending', async () => {
    const chunk = Buffer.alloc(64 * 1024);
    const chunks = (64 * MAX_BUILD_BYTES) / chunk.length;
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 1;
        if (sent > chunks) controller.close();
        else controller.enqueue(chunk);
      },
    });
    const answer = await put('a'.repeat(64), body);
    expect(answer.status).toBe(413);
    expect(await answer.json()).toMatchObject({ code: 'too-large' });
  });

  it('are refused by their announced length before they are read', async () => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.write(
      `PUT /v1/builds/${'a'.repeat(64)} HTTP/1.1\r\nHost: gate\r\nAuthorization: ${bearer('run').authorization}\r\nContent-Length: 99999999999\r\n\r\n`,
    );
    const [first] = (await once(socket, 'data')) as [Buffer];
    expect(first.toString()).toMatch(/^HTTP\/1\.1 413/);
    socket.destroy();
  });

  it('that break off leave nothing behind', async () => {
    const upload = httpRequest({
      port,
      method: 'PUT',
      path: `/v1/builds/${'a'.repeat(64)}`,
      headers: { ...bearer('run'), 'content-length': 100_000 },
    });
    upload.on('error', () => undefined);
    upload.write(Buffer.alloc(1000));
    const directory = join(fixture.directory, 'builds');
    while ((await readdir(directory)).length === 0) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    upload.destroy();
    while ((await readdir(directory)).length > 0) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  });

  it('of one build at the same time all succeed, and it is there once', async () => {
    const war = makeZip({ 'WEB-INF/web.xml': 'x'.repeat(100_000) });
    const digest = createHash('sha256').update(war).digest('hex');
    const answers = await Promise.all(Array.from({ length: 5 }, () => put(digest, war)));
    for (const answer of answers) expect([200, 201]).toContain(answer.status);
    expect(await readdir(join(fixture.directory, 'builds'))).toStrictEqual([`${digest}.war`]);
  });
});
