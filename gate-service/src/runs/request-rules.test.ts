import { describe, expect, it } from 'vitest';
import { workloadSchema } from '../load/workload.ts';
import { catalogueFileSchema, catalogueServiceSchema } from '../settings/catalogue.ts';
import { runJudge } from './adapters/run-judge.ts';
import { resolveSettings } from './request-rules.ts';
import type { RunRequest } from './run.ts';

const cart = { name: 'cart', path: '/cart?id=${sequence}', weight: 3 };
const search = { name: 'search', path: '/search?id=${sequence}' };
const service = catalogueServiceSchema.parse({
  name: 'checkout',
  hosts: ['checkout.localhost'],
  workload: { rate: 100, requests: [cart, search] },
  thresholds: ['p50 <= baseline + 10%', 'p95 < 200ms'],
});

/** Its thresholds speak of one kind each: other kinds do not touch them. */
const byKind = catalogueServiceSchema.parse({
  ...service,
  thresholds: ['p50{kind=cart} <= baseline + 10%', 'errors{kind=search} < 1%'],
});

function resolve(
  request: Partial<RunRequest>,
  own = service,
  hasProduction = true,
  mayLoosen = false,
) {
  return resolveSettings(
    { service: 'checkout', build: 'b'.repeat(64), ...request },
    own,
    runJudge,
    { hasProduction, hasReference: false, productionBesides: ['checkout'], seed: 7, mayLoosen },
  );
}

describe('the time for tuning', () => {
  const nightly = { evaluations: 40, seconds: 7200 };

  it('ends where the catalogue says, with what to do about it', () => {
    const hour = { ...nightly, seconds: 3600 };
    expect(resolve({ tune: hour }).tune).toEqual(hour);
    expect(() => resolve({ tune: nightly })).toThrow(
      expect.objectContaining({
        code: 'tuning-too-long',
        field: '/tune/seconds',
        message: expect.stringMatching(/7200 s.*3600 s.*raise limits.tuneSeconds/) as string,
      }),
    );
    expect(() => resolve({ tune: nightly }, service, true, true)).toThrow('ask for less');
    const patient = catalogueServiceSchema.parse({ ...service, limits: { tuneSeconds: 7200 } });
    expect(resolve({ tune: nightly }, patient).tune).toEqual(nightly);
  });

  it('is no more than that where the request does not say', () => {
    const hurried = catalogueServiceSchema.parse({ ...service, limits: { tuneSeconds: 60 } });
    expect(resolve({}, hurried).tune).toEqual({ evaluations: 4, seconds: 60 });
    expect(resolve({}).tune).toEqual({ evaluations: 4, seconds: 120 });
  });
});

describe('thresholds of a request', () => {
  it('come on top of the catalogue, which always holds', () => {
    const { thresholds } = resolve({
      thresholds: ['p50 <= baseline + 5%', 'errors < 1%', 'p95<200ms'],
    });
    expect(thresholds).toEqual([
      'p50 <= baseline + 10%',
      'p95 < 200ms',
      'p50 <= baseline + 5%',
      'errors < 1%',
    ]);
  });

  it.each(['p50 <= baseline + 11%', 'p95 < 201ms'])('may not loosen: %s', (text) => {
    expect(() => resolve({ thresholds: [text] })).toThrow(
      expect.objectContaining({ code: 'loosened', field: '/thresholds/0' }),
    );
  });

  it('are refused with the place of the mistake', () => {
    expect(() => resolve({ thresholds: ['errors < 1%', 'p50 =< 3'] })).toThrow(
      expect.objectContaining({ code: 'invalid-threshold', field: '/thresholds/1' }),
    );
  });
});

describe('four eyes', () => {
  const eyes = catalogueServiceSchema.parse({ ...service, fourEyes: true });

  it('are not got round by a run that promotes by itself', () => {
    expect(() => resolve({ promote: 'auto' }, eyes)).toThrow(
      expect.objectContaining({ code: 'own-run', field: '/promote' }),
    );
    expect(resolve({ promote: 'manual' }, eyes).promote).toBe('manual');
    expect(resolve({}, eyes).promote).toBe('manual');
    expect(resolve({ promote: 'auto' }).promote).toBe('auto');
  });

  it('do not go with a catalogue that promotes by itself', () => {
    const auto = { ...service, fourEyes: true, promotion: { default: 'auto' } };
    expect(() => catalogueServiceSchema.parse(auto)).toThrow(/fourEyes asks for somebody else/);
    const file = catalogueFileSchema(() => undefined as never).safeParse({ services: [auto] });
    expect(file.error?.issues).toMatchObject([{ path: ['services', 0, 'promotion', 'default'] }]);
  });
});

describe('a threshold for one kind of request', () => {
  const refund = { name: 'refund', path: '/refund?id=${sequence}' };
  const thresholds = ['errors < 1%', 'p99{kind=refund} <= baseline + 5%'];

  it('is refused when the workload does not send it: it could never be judged', () => {
    expect(() => resolve({ thresholds })).toThrow(
      expect.objectContaining({
        code: 'invalid-threshold',
        field: '/thresholds/1',
        message: expect.stringMatching(/no request called refund; it has cart, search/) as string,
      }),
    );
  });

  it('may speak of a kind that the request adds', () => {
    const workload = workloadSchema.parse({ rate: 125, requests: [cart, search, refund] });
    expect(resolve({ thresholds, workload }, byKind).thresholds).toContain(thresholds[1]);
  });

  it('of the catalogue is not left without its requests, even by who may loosen', () => {
    const workload = workloadSchema.parse({ rate: 100, requests: [cart] });
    expect(() => resolve({ workload }, byKind, true, true)).toThrow(
      expect.objectContaining({
        code: 'invalid-threshold',
        field: '/workload/requests',
        message: expect.stringContaining('threshold 2 of the service catalogue') as string,
      }),
    );
  });
});

describe('a workload of a request', () => {
  const workload = (rate: number, ...requests: object[]) =>
    workloadSchema.parse({ rate, requests });

  it.each([
    ['the same', workload(100, cart, search)],
    ['a higher rate', workload(200, cart, search)],
  ])('may be %s', (_, own) => {
    expect(resolve({ workload: own }).workload).toEqual(own);
  });

  it('may have more kinds, sent besides, where each threshold of the catalogue names its kind', () => {
    const own = workload(150, cart, search, { name: 'order', path: '/order' });
    expect(resolve({ workload: own }, byKind).workload).toEqual(own);
  });

  it.each([
    ['a lower rate', workload(99, cart, search)],
    ['a kind missing', workload(100, cart)],
    ['another path', workload(100, cart, { ...search, path: '/fast' })],
    ['a body check dropped or added', workload(100, cart, { ...search, expect: { status: 500 } })],
    ['a smaller share', workload(100, { ...cart, weight: 1 }, search)],
    [
      'fast kinds beside a threshold over all requests, however fast it is sent',
      workload(1000, cart, search, { name: 'ping', path: '/ping', weight: 36 }),
    ],
    ['other shares at a higher rate', workload(1000, { ...cart, weight: 39 }, search)],
  ])('may not be %s', (_, own) => {
    expect(() => resolve({ workload: own })).toThrow(expect.objectContaining({ code: 'loosened' }));
  });
});

describe('a workload with phases and data', () => {
  const rows = { columns: ['id'], rows: [['1'], ['2']] };
  const item = {
    name: 'item',
    path: '/item?id=${data.id}',
    data: rows,
    expect: { status: [200, 204] },
  };
  const phases = {
    steps: [
      { seconds: 5, factor: 3 },
      { seconds: 5, factor: 1 },
    ],
  };
  const wavy = { rate: 100, freshConnections: 0.1, phases, requests: [item] };
  const own = catalogueServiceSchema.parse({ ...service, workload: wavy });
  const ask = (change: object) =>
    resolve({ workload: workloadSchema.parse({ ...wavy, ...change }) }, own).workload;

  it('may be the same, written differently', () => {
    const same = {
      ...item,
      expect: { status: [204, 200] },
      data: { ...rows, order: 'sequential' },
    };
    expect(ask({ requests: [same], rate: 120 }).rate).toBe(120);
  });

  it.each([
    ['without the phases', { phases: undefined }, '/workload/phases'],
    [
      'phases that calm down',
      { phases: { steps: [{ seconds: 5, factor: 0.1 }] } },
      '/workload/phases',
    ],
    ['phases once only', { phases: { ...phases, apply: 'once' } }, '/workload/phases'],
    ['constant arrivals', { arrivals: 'constant' }, '/workload/arrivals'],
    ['fewer fresh connections', { freshConnections: 0 }, '/workload/freshConnections'],
    [
      'other rows',
      { requests: [{ ...item, data: { ...rows, rows: [['1'], ['1']] } }] },
      '/workload/requests',
    ],
    [
      'another order of rows',
      { requests: [{ ...item, data: { ...rows, order: 'random' } }] },
      '/workload/requests',
    ],
    [
      'a status more that is fine',
      { requests: [{ ...item, expect: { status: [200, 204, 500] } }] },
      '/workload/requests',
    ],
  ])('may not be asked %s', (_, change, field) => {
    expect(() => ask(change)).toThrow(expect.objectContaining({ code: 'loosened', field }));
  });

  it('may not calm a catalogue without phases by some', () => {
    const workload = workloadSchema.parse({
      ...service.workload,
      phases: { apply: 'once', steps: [{ seconds: 3600, factor: 0.01 }] },
    });
    expect(() => resolve({ workload })).toThrow(
      expect.objectContaining({ code: 'loosened', field: '/workload/phases' }),
    );
  });
});

describe('a service without production', () => {
  it('must say that its first build may be judged alone', () => {
    expect(() => resolve({}, service, false)).toThrow(/initialBuild/);
  });

  it('needs an absolute limit', () => {
    const own = { ...service, initialBuild: true, thresholds: ['p50 <= baseline + 10%'] };
    expect(() => resolve({}, own, false)).toThrow(/no absolute threshold/);
    expect(resolve({ thresholds: ['p95 < 1s'] }, own, false).thresholds).toHaveLength(2);
  });
});

describe('a request of somebody who may loosen', () => {
  const loosen = (request: Partial<RunRequest>) => resolve(request, service, true, true);

  it('puts its threshold in the place of the tighter one, and says so', () => {
    const settings = loosen({ thresholds: ['p50 <= baseline + 25%', 'errors < 1%'] });
    expect(settings.thresholds).toEqual(['p95 < 200ms', 'p50 <= baseline + 25%', 'errors < 1%']);
    expect(settings.loosened).toEqual(['p50 <= baseline + 25% instead of p50 <= baseline + 10%']);
  });

  it('is told everything in which its workload asks for less', () => {
    const workload = workloadSchema.parse({
      rate: 50,
      arrivals: 'constant',
      requests: [cart, { name: 'ping', path: '/ping' }],
    });
    expect(loosen({ workload }).loosened).toEqual([
      'the rate is 50/s instead of 100/s',
      'arrivals are constant instead of poisson, which have bursts',
      'cart is sent 37.50 times per second instead of 75.00',
      'search is not sent',
    ]);
  });

  it('is not called loosened when it asks for as much', () => {
    expect(loosen({ thresholds: ['p50 <= baseline + 5%'] })).not.toHaveProperty('loosened');
  });
});
