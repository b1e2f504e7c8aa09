import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createHmac } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openReceiver } from '../../../test/support/webhook-receiver.ts';
import type { WebhookReceiver } from '../../../test/support/webhook-receiver.ts';
import type { NewRun, PromotionRecord, RunRecord } from '../runs/records.ts';
import { openStore } from '../store/store.ts';
import type { Store } from '../store/store.ts';
import { messageBackOff } from './back-off.ts';
import { parseWebhooks } from './endpoint.ts';
import { Notifications } from './notifications.ts';

vi.setConfig({ testTimeout: 60_000 });
/** Generous: the machine may be busy. It is a limit, not a wait. */
const WITHIN = { timeout: 30_000, interval: 10 };

const SECRET = 'a-secret-of-32-characters-1234567';
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const BEGIN = Date.parse('2026-03-01T12:00:00Z');

let folder: string;
let store: Store;
let receiver: WebhookReceiver;
let now: number;
let problems: Error[];
const running: Notifications[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'speed-gate-webhooks-'));
  await writeFile(join(folder, 'secret'), `${SECRET}\n`);
  store = await openStore({ file: join(folder, 'store.sqlite') });
  receiver = await openReceiver();
  now = BEGIN;
  problems = [];
});
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop();
  await receiver.close();
  await store.close();
  await rm(folder, { recursive: true });
});

interface Given {
  readonly url?: string;
  readonly more?: string;
  readonly holder?: string;
}

/** One endpoint, `chat`, at the receiver. */
function notifications({ holder = 'one', more = '', url = receiver.url }: Given = {}) {
  const text = `endpoints: [{name: chat, url: "${url}", secretFile: "${join(folder, 'secret')}"${more}}]`;
  const made = new Notifications({
    store,
    settings: parseWebhooks(text, 'webhooks.yaml'),
    holder,
    now: () => new Date(now),
    random: () => 0.5,
    everyMs: 5,
    problem: (error) => problems.push(error),
  });
  running.push(made);
  return made;
}

function finished(id: string, changes: Partial<RunRecord> = {}): RunRecord {
  return { ...newRun(id), version: 3, ...changes };
}

function newRun(id: string): NewRun {
  return {
    id,
    service: 'checkout',
    build: 'a'.repeat(64),
    request: { service: 'checkout', build: 'a'.repeat(64) },
    settings: {
      workload: { rate: 1, arrivals: 'poisson', freshConnections: 0, requests: [] },
      thresholds: [],
      shown: [],
      tune: 'off',
      promote: 'manual',
      profile: 'quick',
      against: 'production',
      seed: 1,
    },
    requestedBy: 'ci',
    createdAt: new Date(now).toISOString(),
    phase: 'finished',
    phases: [],
    decision: 'rollback',
    cause: 'breached',
    summary: 'p95 is 12 % slower',
    finishedAt: new Date(now).toISOString(),
  };
}

const decisions = () => receiver.received.filter(({ body }) => !body.includes('"ping"'));
const arrived = (count: number) =>
  vi.waitFor(() => {
    expect(decisions().length).toBeGreaterThanOrEqual(count);
  }, WITHIN);
const deliveryOf = async (subject: string) =>
  (await store.deliveries({ subject }, { limit: 5 })).items[0];
const state = (subject: string, wanted: object) =>
  vi.waitFor(async () => {
    expect(await deliveryOf(subject)).toMatchObject(wanted);
  }, WITHIN);
/** Started, and its endpoint has answered the first message. */
async function begun(given: Given = {}): Promise<Notifications> {
  const made = notifications(given);
  made.start();
  await state('first', { state: 'delivered' });
  return made;
}

describe('a message', () => {
  it('arrives signed, with all that a receiver needs to know', async () => {
    const one = notifications();
    one.start();
    await one.notify({ type: 'decision', run: finished('run-1') });
    await arrived(1);
    const [{ body, headers }] = decisions() as [(typeof receiver.received)[0]];
    const [, time, hex] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(
      String(headers['speed-gate-signature']),
    )!;
    expect(Number(time)).toBe(BEGIN / SECOND);
    expect(hex).toBe(createHmac('sha256', SECRET).update(`${time!}.${body}`).digest('hex'));
    expect(headers['content-type']).toBe('application/json');
    expect(headers['speed-gate-event']).toBe('decision');
    await state('run-1', { id: headers['speed-gate-delivery'], state: 'delivered', attempts: 1 });
    expect(JSON.parse(body)).toMatchObject({
      type: 'decision',
      service: 'checkout',
      run: { id: 'run-1', decision: 'rollback', cause: 'breached', summary: 'p95 is 12 % slower' },
      links: { run: '/v1/runs/run-1' },
    });
  });

  it('is preceded by a ping to an endpoint that is new, and only then', async () => {
    const one = notifications();
    one.start();
    await state('first', { state: 'delivered', type: 'ping' });
    await one.stop();
    const again = notifications();
    again.start();
    await again.notify({ type: 'decision', run: finished('run-1') });
    await arrived(1);
    expect(receiver.received.filter(({ body }) => body.includes('"ping"'))).toHaveLength(1);
  });

  it('is told once, however often its notice comes', async () => {
    const one = notifications();
    one.start();
    for (let n = 0; n < 5; n += 1) await one.notify({ type: 'decision', run: finished('run-1') });
    await one.notify({ type: 'decision', run: finished('run-2') });
    await arrived(2);
    await state('run-2', { state: 'delivered' });
    expect(decisions()).toHaveLength(2);
  });

  it('comes in the order of what happened while the receiver keeps up', async () => {
    const one = await begun();
    const ids = Array.from({ length: 20 }, (_, n) => `run-${n}`);
    for (const id of ids) {
      now += 10;
      await one.notify({ type: 'decision', run: finished(id) });
    }
    await arrived(20);
    expect(decisions().map(({ body }) => (JSON.parse(body) as Body).run?.id)).toStrictEqual(ids);
  });

  it('is signed with both secrets while they are rotated, without a restart', async () => {
    const one = await begun();
    await writeFile(join(folder, 'secret'), `another-secret-of-32-characters-1\n${SECRET}\n`);
    await one.notify({ type: 'decision', run: finished('run-1') });
    await arrived(1);
    const header = String(decisions()[0]?.headers['speed-gate-signature']);
    expect(header.match(/v1=/g)).toHaveLength(2);
    const signed = `${String(BEGIN / SECOND)}.${decisions()[0]!.body}`;
    expect(header).toContain(createHmac('sha256', SECRET).update(signed).digest('hex'));
  });

  it('goes only where its kind and its service are wanted', async () => {
    const one = notifications({ more: ', events: [promotion], services: [checkout]' });
    one.start();
    await one.notify({ type: 'decision', run: finished('run-1') });
    await one.notify({ type: 'promotion', promotion: promotion('promotion-1', 'search') });
    await one.notify({ type: 'promotion', promotion: promotion('promotion-2', 'checkout') });
    await state('promotion-2', { state: 'delivered' });
    expect(decisions().map(({ body }) => (JSON.parse(body) as Body).promotion?.id)).toStrictEqual([
      'promotion-2',
    ]);
  });

  it('about the same problem comes once an hour, whatever ids it names', async () => {
    const one = notifications();
    one.start();
    for (const message of ['run 0a1b-22 failed', 'run 7f7f-91 failed', 'the disk is full']) {
      await one.notify({ type: 'problem', at: new Date(now).toISOString(), message });
    }
    await arrived(2);
    const { items } = await store.deliveries({ endpoint: 'chat' }, { limit: 20 });
    expect(items.filter(({ type }) => type === 'problem')).toHaveLength(2);
  });
});

describe('what does not get through', () => {
  it('is tried again after an error, with the same id and body and a new time', async () => {
    const one = await begun();
    receiver.answer = (response) => response.writeHead(500).end('out of order');
    await one.notify({ type: 'decision', run: finished('run-1') });
    await state('run-1', { state: 'due', attempts: 1, lastAnswer: '500: out of order' });
    receiver.answer = (response) => response.writeHead(200).end();
    now += 4 * SECOND;
    // Not before its time: what comes later is delivered first.
    await one.notify({ type: 'decision', run: finished('run-2') });
    await state('run-2', { state: 'delivered' });
    expect(await deliveryOf('run-1')).toMatchObject({ attempts: 1 });
    now += 2 * SECOND;
    await state('run-1', { state: 'delivered', attempts: 2 });
    const [first, , second] = decisions();
    expect(second?.headers['speed-gate-delivery']).toBe(first?.headers['speed-gate-delivery']);
    expect(second?.body).toBe(first?.body);
    expect(second?.headers['speed-gate-signature']).not.toBe(
      first?.headers['speed-gate-signature'],
    );
  });

  it('is tried again when nobody listens, and arrives when somebody does', async () => {
    const one = await begun();
    const port = Number(new URL(receiver.url).port);
    await receiver.close();
    await one.notify({ type: 'decision', run: finished('run-1') });
    await state('run-1', {
      attempts: 1,
      lastAnswer: expect.stringMatching(/ECONNREFUSED/) as string,
    });
    receiver = await openReceiver(port);
    now += MINUTE;
    await state('run-1', { state: 'delivered', attempts: 2 });
  });

  it('is tried again when the receiver does not answer in time', async () => {
    const one = await begun({ more: ', timeoutSeconds: 1' });
    receiver.answer = () => undefined;
    await one.notify({ type: 'decision', run: finished('run-1') });
    await state('run-1', { lastAnswer: 'no answer within 1 s' });
    receiver.answer = (response) => response.writeHead(200).end();
    now += MINUTE;
    await state('run-1', { state: 'delivered' });
  });

  it('has arrived when the receiver says so, also if its answer never ends', async () => {
    const one = await begun({ more: ', timeoutSeconds: 1' });
    receiver.answer = (response) => response.writeHead(202).write('taken');
    await one.notify({ type: 'decision', run: finished('run-1') });
    await state('run-1', { attempts: 1, lastAnswer: '202', state: 'delivered' });
  });

  it('is claimed anew when those before it took long, before somebody else may claim it', async () => {
    const one = await begun();
    const claim = vi.spyOn(store, 'claimDueDelivery');
    let answerFirst: (() => void) | undefined;
    receiver.answer = (response) => {
      answerFirst = () => response.writeHead(204).end();
    };
    await one.notify({ type: 'decision', run: finished('run-1') });
    now += SECOND;
    await one.notify({ type: 'decision', run: finished('run-2') });
    await arrived(1);
    const claimsOf = async (subject: string) => {
      const claims = await Promise.all(
        claim.mock.results.map(({ value }) => value as ReturnType<Store['claimDueDelivery']>),
      );
      return claims.filter((claimed) => claimed?.subject === subject).length;
    };
    await vi.waitFor(async () => {
      expect(await claimsOf('run-2')).toBe(1);
    }, WITHIN);
    now += 100 * SECOND;
    receiver.answer = (response) => response.writeHead(204).end();
    answerFirst?.();
    await state('run-2', { state: 'delivered' });
    expect(await claimsOf('run-2')).toBe(2);
    expect(await claimsOf('run-1')).toBe(1);
  });

  it('is given up after a day, and says so', async () => {
    const one = await begun();
    receiver.answer = (response) => response.writeHead(503).end();
    await one.notify({ type: 'decision', run: finished('run-1') });
    let attempts = 0;
    await vi.waitFor(async () => {
      const delivery = await deliveryOf('run-1');
      if ((delivery?.attempts ?? 0) > attempts) {
        attempts = delivery!.attempts;
        now = Math.max(now, Date.parse(delivery!.nextAt));
      }
      expect(delivery?.state).toBe('given-up');
    }, WITHIN);
    expect(attempts).toBe(messageBackOff.attempts);
    expect(now - BEGIN).toBeGreaterThan(18 * HOUR);
    expect(now - BEGIN).toBeLessThan(30 * HOUR);
  });

  it('waits as long as the receiver asks', async () => {
    const one = await begun();
    receiver.answer = (response) => response.writeHead(429, { 'retry-after': '120' }).end();
    await one.notify({ type: 'decision', run: finished('run-1') });
    await state('run-1', { attempts: 1, nextAt: new Date(BEGIN + 120 * SECOND).toISOString() });
  });

  it('follows no redirect, reads little of an answer, and takes Gone for an answer', async () => {
    const other = await openReceiver();
    try {
      const one = await begun();
      receiver.answer = (response) => response.writeHead(307, { location: other.url }).end();
      await one.notify({ type: 'decision', run: finished('run-1') });
      await state('run-1', { lastAnswer: expect.stringMatching(/^307: redirects are/) as string });
      receiver.answer = (response) => response.writeHead(500).end('x'.repeat(3_000_000));
      await one.notify({ type: 'decision', run: finished('run-2') });
      await state('run-2', { lastAnswer: `500: ${'x'.repeat(200)}` });
      receiver.answer = (response) => response.writeHead(410).end();
      await one.notify({ type: 'decision', run: finished('run-3') });
      await state('run-3', { state: 'given-up', attempts: 1 });
      expect(other.received).toHaveLength(0);
    } finally {
      await other.close();
    }
  });

  it('keeps messages to other endpoints waiting no longer than one attempt', async () => {
    const other = await openReceiver();
    try {
      const secret = `secretFile: "${join(folder, 'secret')}", timeoutSeconds: 30`;
      const text = `endpoints: [{name: chat, url: "${receiver.url}", ${secret}}, {name: other, url: "${other.url}", ${secret}}]`;
      const both = new Notifications({
        store,
        settings: parseWebhooks(text, 'webhooks.yaml'),
        holder: 'both',
        now: () => new Date(now),
        everyMs: 5,
        problem: (error) => problems.push(error),
      });
      running.push(both);
      both.start();
      await vi.waitFor(() => {
        expect([receiver, other].map(({ received }) => received.length)).toStrictEqual([1, 1]);
      }, WITHIN);
      receiver.answer = (response) => response.writeHead(500).end();
      await both.notify({ type: 'decision', run: finished('run-0') });
      await vi.waitFor(async () => {
        expect(other.received).toHaveLength(2);
        const { items } = await store.deliveries({ endpoint: 'chat' }, { limit: 1 });
        expect(items[0]?.attempts).toBe(1);
      }, WITHIN);
      // From now on it does not even answer: its messages wait for one another, nobody else's do.
      receiver.answer = () => undefined;
      for (let n = 1; n <= 20; n += 1) {
        await both.notify({ type: 'decision', run: finished(`run-${n}`) });
      }
      await vi.waitFor(() => {
        expect(other.received).toHaveLength(22);
      }, WITHIN);
      expect(decisions().length).toBeLessThanOrEqual(2);
    } finally {
      await other.close();
    }
  });

  it('is not sent unsigned: a secret that is missing is said', async () => {
    const one = await begun();
    await rm(join(folder, 'secret'));
    await one.notify({ type: 'decision', run: finished('run-1') });
    await state('run-1', {
      state: 'due',
      lastAnswer: expect.stringMatching(
        /secret of webhook chat cannot be read .* ENOENT/,
      ) as string,
    });
    expect(decisions()).toHaveLength(0);
    await writeFile(join(folder, 'secret'), SECRET);
    now += MINUTE;
    await state('run-1', { state: 'delivered' });
  });
});

describe('restarts and replicas', () => {
  it('deliver what was under way when the service was stopped', async () => {
    const one = await begun();
    receiver.answer = () => undefined;
    await one.notify({ type: 'decision', run: finished('run-1') });
    await arrived(1);
    await one.stop();
    expect(await deliveryOf('run-1')).toMatchObject({ state: 'due', attempts: 1 });
    receiver.answer = (response) => response.writeHead(200).end();
    now += MINUTE;
    notifications({ holder: 'two' }).start();
    await state('run-1', { state: 'delivered' });
    const ids = decisions().map(({ headers }) => headers['speed-gate-delivery']);
    expect(new Set(ids).size).toBe(1);
  });

  it('deliver what a process that died had claimed, when its claim has run out', async () => {
    const dead = notifications({ holder: 'dead' });
    await dead.notify({ type: 'decision', run: finished('run-1') });
    expect(await store.claimDueDelivery('dead', new Date(now).toISOString(), 120)).toBeDefined();
    await begun({ holder: 'alive' });
    expect(decisions()).toHaveLength(0);
    now += 121 * SECOND;
    await state('run-1', { state: 'delivered' });
  });

  it('tell a decision that was stored and not told, but none to an endpoint that came later', async () => {
    const early = await begun();
    await early.stop();
    now += MINUTE;
    await store.createRun(newRun('run-untold'));
    const later = notifications({ holder: 'later' });
    later.start();
    await state('run-untold', { state: 'delivered' });

    now += MINUTE;
    const other = await openReceiver();
    try {
      const text = `endpoints: [{name: new, url: "${other.url}", secretFile: "${join(folder, 'secret')}"}]`;
      const added = new Notifications({
        store,
        settings: parseWebhooks(text, 'webhooks.yaml'),
        holder: 'added',
        now: () => new Date(now),
        everyMs: 5,
        problem: (error) => problems.push(error),
      });
      running.push(added);
      added.start();
      await added.notify({ type: 'decision', run: finished('run-new') });
      await vi.waitFor(() => {
        expect(other.received).toHaveLength(2);
      }, WITHIN);
      expect(other.received.some(({ body }) => body.includes('run-untold'))).toBe(false);
    } finally {
      await other.close();
    }
  });

  it('never send the same at once, and each once', async () => {
    const atOnce = new Map<string, number>();
    let most = 0;
    receiver.answer = (response, request) => {
      const id = String(request.headers['speed-gate-delivery']);
      atOnce.set(id, (atOnce.get(id) ?? 0) + 1);
      most = Math.max(most, atOnce.get(id)!);
      setTimeout(() => {
        response.writeHead(204).end();
      }, 5);
    };
    const replicas = ['one', 'two'].map((holder) => notifications({ holder }));
    for (const replica of replicas) replica.start();
    const ids = Array.from({ length: 30 }, (_, n) => `run-${n}`);
    for (const id of ids) {
      await Promise.all(
        replicas.map((replica) => replica.notify({ type: 'decision', run: finished(id) })),
      );
    }
    await vi.waitFor(async () => {
      now += SECOND;
      const { items } = await store.deliveries({ state: 'delivered' }, { limit: 50 });
      expect(items).toHaveLength(31);
    }, WITHIN);
    expect(most).toBe(1);
    expect(decisions()).toHaveLength(30);
    expect(problems).toStrictEqual([]);
  });
});

describe('a waiting Jenkins job', () => {
  const jenkins = () =>
    notifications({ url: `${receiver.url}/jenkins`, more: ', format: jenkins-webhook-step' });
  const wake = { endpoint: 'chat', token: 'bef13807-a161-4193-ab95-6cb974afc71d' };

  it('is woken at its own hook, and told no decision', async () => {
    const one = jenkins();
    one.start();
    const request = { service: 'checkout', build: 'a'.repeat(64), wake };
    await one.notify({ type: 'decision', run: finished('run-1', { request }) });
    await state('run-1', { state: 'delivered' });
    expect(receiver.received).toHaveLength(1);
    const [{ body, headers, path }] = receiver.received as [(typeof receiver.received)[0]];
    expect(path).toBe(`/jenkins/webhook-step/${wake.token}`);
    expect(body).toBe('{"run":"run-1"}');
    expect(headers.authorization).toBe(SECRET);
  });

  it('is left alone when the run names no hook, or one of another Jenkins', async () => {
    const one = jenkins();
    one.start();
    await one.notify({ type: 'decision', run: finished('run-1') });
    const request = { service: 'checkout', build: 'a'.repeat(64) };
    await one.notify({
      type: 'decision',
      run: finished('run-2', { request: { ...request, wake: { ...wake, endpoint: 'other' } } }),
    });
    await one.notify({
      type: 'decision',
      run: finished('run-3', { request: { ...request, wake } }),
    });
    await state('run-3', { state: 'delivered' });
    expect(receiver.received).toHaveLength(1);
  });

  it.each(['../../admin', 'x/../../script', 'a?b', 'https://elsewhere.example/'])(
    'is not looked for at the hook %j, even if it were stored',
    async (token) => {
      const one = jenkins();
      one.start();
      const request = { service: 'checkout', build: 'a'.repeat(64), wake: { ...wake, token } };
      await one.notify({ type: 'decision', run: finished('run-1', { request }) });
      await state('run-1', {
        attempts: 1,
        lastAnswer: expect.stringMatching(/not sent/) as string,
      });
      expect(receiver.received).toHaveLength(0);
    },
  );
});

interface Body {
  readonly run?: { readonly id: string };
  readonly promotion?: { readonly id: string };
}

function promotion(id: string, service: string): PromotionRecord {
  return {
    id,
    service,
    build: 'a'.repeat(64),
    configurationHash: 'c'.repeat(64),
    origin: 'person',
    actor: 'ada',
    reason: 'as it was judged to pass',
    createdAt: new Date(now).toISOString(),
    version: 4,
    state: 'completed',
    stage: 'ended',
    steps: [],
    finishedAt: new Date(now).toISOString(),
  };
}
