/** Spans of runs at a real receiver of OTLP over HTTP, in its JSON encoding. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Notice, Notifier } from '../runs/notifier.ts';
import type { RunRecord } from '../runs/records.ts';
import { createSpanExporter, type SpanExporter } from './span-exporter.ts';

interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: { key: string; value: { stringValue: string } }[];
  readonly status: { code?: number };
}

interface Answer {
  readonly status: number;
  readonly body?: string;
  readonly headers?: Record<string, string>;
}

let server: Server;
let received: { path: string; type: string; spans: readonly ReceivedSpan[] }[];
let answers: Answer[];
let exporter: SpanExporter;
let notifier: Notifier;
let passedOn: Notice[];
let problems: string[];

beforeEach(async () => {
  received = [];
  answers = [];
  passedOn = [];
  problems = [];
  server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const { resourceSpans } = JSON.parse(text) as {
        resourceSpans: { scopeSpans: { spans: ReceivedSpan[] }[] }[];
      };
      received.push({
        path: request.url ?? '',
        type: request.headers['content-type'] ?? '',
        spans: resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
      });
      const { status, body = '{}', headers = {} } = answers.shift() ?? { status: 200 };
      response.writeHead(status, headers).end(body);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  exporter = createSpanExporter({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    problem: (error) => problems.push(error.message),
    backOffMs: 5,
  });
  notifier = exporter.listening({
    notify: (notice) => {
      passedOn.push(notice);
      return Promise.resolve();
    },
  });
});
afterEach(async () => {
  await exporter.close();
  server.closeAllConnections();
  server.close();
});

const at = (second: number): string => new Date(1_700_000_000_000 + second * 1000).toISOString();

function finished(change: Partial<RunRecord> = {}): RunRecord {
  return {
    id: 'run-1',
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
    createdAt: at(0),
    version: 9,
    phase: 'finished',
    phases: [
      { phase: 'queued', startedAt: at(0), endedAt: at(2) },
      { phase: 'deploying', startedAt: at(2), endedAt: at(12) },
      { phase: 'measuring', startedAt: at(12) },
      { phase: 'finished', startedAt: at(40), endedAt: at(40) },
    ],
    decision: 'rollback',
    cause: 'breached',
    summary: 'p95 is 12 % slower',
    finishedAt: at(40),
    ...change,
  };
}

const decide = (change?: Partial<RunRecord>) =>
  notifier.notify({ type: 'decision', run: finished(change) });
const until = (look: () => void) => vi.waitFor(look, { timeout: 10_000, interval: 5 });

describe('spans of a run', () => {
  it('are one for it and one for each phase, with its times and its answer', async () => {
    await decide();
    await until(() => {
      expect(received).toHaveLength(1);
    });
    const [{ path, spans, type } = { path: '', spans: [], type: '' }] = received;
    expect([path, type]).toEqual(['/v1/traces', 'application/json']);
    expect(spans.map(({ name }) => name)).toEqual([
      'gate run checkout',
      'queued',
      'deploying',
      'measuring',
    ]);
    const [root, ...phases] = spans;
    expect(root).toMatchObject({
      startTimeUnixNano: '1700000000000000000',
      endTimeUnixNano: '1700000040000000000',
      status: {},
    });
    expect(root!.parentSpanId).toBeUndefined();
    expect(root!.attributes).toContainEqual({
      key: 'speed_gate.cause',
      value: { stringValue: 'breached' },
    });
    // A phase that a crash left open ends with the run.
    expect(phases.map(({ endTimeUnixNano }) => endTimeUnixNano.slice(8, 10))).toEqual([
      '02',
      '12',
      '40',
    ]);
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(4);
    for (const { parentSpanId, spanId, traceId } of phases) {
      expect(parentSpanId).toBe(root!.spanId);
      expect([traceId.length, spanId.length]).toEqual([32, 16]);
    }
  });

  it('are the same trace when told again, another one for another run', async () => {
    await decide();
    await decide();
    await decide({ id: 'run-2', cause: 'platform-failed' });
    await until(() => {
      expect(received).toHaveLength(3);
    });
    const traces = received.map(({ spans }) => spans[0]!);
    expect(new Set(traces.map(({ traceId }) => traceId)).size).toBe(2);
    expect(traces.filter(({ status }) => status.code === 2)).toHaveLength(1);
  });
});

describe('delivery', () => {
  it('is tried again as long as the collector may come back, and passes every notice on', async () => {
    answers = [{ status: 503 }, { status: 429, headers: { 'retry-after': '0' } }, { status: 200 }];
    const notice = { type: 'problem', at: at(1), message: 'no space left' } as const;
    await notifier.notify(notice);
    await decide();
    await until(() => {
      expect(received).toHaveLength(3);
    });
    expect(passedOn.map(({ type }) => type)).toEqual(['problem', 'decision']);
    await exporter.close();
    expect(problems).toEqual([]);
  });

  it('ends with a word in the log for a refusal, spans that were rejected, and a collector that stays away', async () => {
    answers = [
      { status: 400, body: 'what is this' },
      { status: 200, body: '{"partialSuccess":{"rejectedSpans":"4","errorMessage":"full"}}' },
    ];
    await decide();
    await until(() => {
      expect(problems[0]).toMatch(/spans of run run-1 were not delivered: .* answers 400: what is/);
    });
    await decide();
    await until(() => {
      expect(problems[1]).toContain('rejected 4 spans: full');
    });
    answers = Array.from({ length: 5 }, () => ({ status: 502 }));
    await decide();
    await until(() => {
      expect(problems[2]).toContain('answers 502');
    });
    expect(received).toHaveLength(7);
  });

  it('does not hold the end of the service', async () => {
    answers = [{ status: 503, headers: { 'retry-after': '3600' } }];
    await decide();
    await until(() => {
      expect(received).toHaveLength(1);
    });
    await exporter.close();
    expect(problems).toHaveLength(1);
  });
});
