/** What is sent: the same bytes at every attempt. Described in docs/webhooks.md. */
import { createHash } from 'node:crypto';
import type { Notice } from '../runs/notifier.ts';
import type { OverrideRecord, PromotionRecord, RunRecord } from '../runs/records.ts';

export interface Message {
  /** With endpoint and type it tells messages apart: the second one has no effect. */
  readonly subject: string;
  readonly type: Notice['type'];
  /** When it happened, ISO 8601 in UTC. */
  readonly at: string;
  readonly service?: string;
  readonly body: string;
}

const MOST_CHARACTERS = 2_000;

/** @param publicUrl beginning of links, without a slash at the end; absent: links are paths */
export function messageOf(notice: Notice, publicUrl = ''): Message {
  switch (notice.type) {
    case 'decision':
      return decision(notice.run, publicUrl);
    case 'promotion':
      return promotion(notice.promotion, publicUrl);
    case 'override':
      return override(notice.run, notice.override, publicUrl);
    case 'problem':
      return problem(notice);
  }
}

function decision(run: RunRecord, publicUrl: string): Message {
  const at = run.finishedAt ?? run.createdAt;
  return message('decision', run.id, at, run.service, {
    run: {
      ...runOf(run),
      decision: run.decision,
      cause: run.cause,
      summary: run.summary,
    },
    links: runLinks(run.id, publicUrl),
  });
}

function override(run: RunRecord, ordered: OverrideRecord, publicUrl: string): Message {
  return message('override', ordered.id, ordered.at, run.service, {
    override: {
      id: ordered.id,
      order: ordered.order,
      actor: ordered.actor,
      reason: ordered.reason,
      expiresAt: ordered.expiresAt,
    },
    run: { ...runOf(run), decision: run.decision, cause: run.cause },
    links: runLinks(run.id, publicUrl),
  });
}

function promotion(record: PromotionRecord, publicUrl: string): Message {
  const at = record.finishedAt ?? record.createdAt;
  return message('promotion', record.id, at, record.service, {
    promotion: {
      id: record.id,
      state: record.state,
      origin: record.origin,
      build: record.build,
      configuration: record.configurationHash,
      actor: record.actor,
      reason: record.reason,
      runId: record.runId,
      summary: record.summary,
    },
    links: {
      promotion: `${publicUrl}/v1/promotions/${record.id}`,
      dashboard: `${publicUrl}/#/services/${record.service}`,
    },
  });
}

function problem(notice: Extract<Notice, { type: 'problem' }>): Message {
  // Tried again every few seconds, it would be told as often: once an hour is enough.
  const hour = notice.at.slice(0, 13);
  const kind = createHash('sha256')
    .update(`${notice.service ?? ''} ${notice.message.replace(/[0-9a-f-]*\d[0-9a-f-]*/gi, '')}`)
    .digest('hex')
    .slice(0, 12);
  return message('problem', `problem-${hour}-${kind}`, notice.at, notice.service, {
    problem: { message: notice.message.slice(0, MOST_CHARACTERS), runId: notice.runId },
  });
}

function message(
  type: Notice['type'],
  subject: string,
  at: string,
  service: string | undefined,
  content: Readonly<Record<string, unknown>>,
): Message {
  const body = JSON.stringify({ type, at, service, ...content });
  return { type, subject, at, ...(service !== undefined && { service }), body };
}

function runOf(run: RunRecord): Readonly<Record<string, unknown>> {
  const { build, id, label, requestedBy, service } = run;
  return { id, service, build, label, requestedBy };
}

function runLinks(id: string, publicUrl: string): Readonly<Record<string, string>> {
  return { run: `${publicUrl}/v1/runs/${id}`, dashboard: `${publicUrl}/#/runs/${id}` };
}
