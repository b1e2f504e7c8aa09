/** `GET /v1/runs/:id/events`: as a stream for viewers, as a list for scripts that poll. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppDependencies } from '../dependencies.ts';
import { ProblemError } from '../problems/problem.ts';
import { idSchema } from '../schemas.ts';
import { followEvents, formatServerSentEvent, isOver } from './event-stream.ts';
import type { StreamItem, StreamTimes } from './event-stream.ts';
import { runFor } from './routes.ts';
import { runEventSchema } from './schemas.ts';

const TIMES: StreamTimes = { aliveMs: 15_000, lingerMs: 1_000 };

/** Digits only: what else JavaScript takes for a number was no id of an event. */
const sequence = z
  .string()
  .regex(/^\d{1,15}$/, 'expected the number of an event: its `sequence`, or 0')
  .transform(Number);

/** Registers the route; open streams end before the application closes. */
export function eventRoutes({ runs }: AppDependencies): FastifyPluginCallbackZod {
  return (app, _options, done) => {
    const open = new Set<AbortController>();
    app.addHook('preClose', (closed) => {
      for (const stream of open) stream.abort();
      closed();
    });

    app.get(
      '/v1/runs/:id/events',
      {
        config: { right: 'read' },
        schema: {
          tags: ['runs'],
          summary: 'What happens in a run',
          description:
            'Server-sent events with the sequence as id; Last-Event-ID continues after a break, and 204 says that nothing more will come. An id that the run has not reached yet is refused: events would be lost. With `Accept: application/json`, or with `after`, the events so far as a list.',
          params: z.object({ id: idSchema }),
          querystring: z.object({
            after: sequence.optional().describe('Only events with a higher sequence.'),
          }),
          headers: z.object({
            'last-event-id': sequence.optional(),
            accept: z.string().optional(),
          }),
          response: {
            200: z.object({ events: z.array(runEventSchema).readonly() }),
            204: z.undefined().describe('Nothing more will come.'),
          },
        },
      },
      async (request, reply) => {
        // Before anything is waited for: a viewer who leaves meanwhile, or a service that closes, is not missed.
        const stream = new AbortController();
        open.add(stream);
        reply.raw.once('close', () => {
          open.delete(stream);
          stream.abort();
        });
        const { id } = request.params;
        const run = await runFor(runs, request, 'read', id);
        const after = request.headers['last-event-id'] ?? request.query.after ?? 0;
        await requireReached(runs, id, after);
        if (!wantsStream(request.headers.accept, request.query.after !== undefined)) {
          return { events: await runs.events(id, after) };
        }
        if (isOver(run) && (await runs.events(id, after)).length === 0) {
          return reply.code(204).send(undefined);
        }
        reply.hijack();
        await tell(reply, followEvents(runs, id, after, TIMES, stream.signal), stream.signal);
        return reply;
      },
    );
    done();
  };
}

/** Writes the stream until it ends or the viewer leaves. */
async function tell(
  reply: FastifyReply,
  items: AsyncIterable<StreamItem>,
  signal: AbortSignal,
): Promise<void> {
  const { log, raw } = reply;
  if (raw.destroyed) return;
  try {
    raw.writeHead(200, {
      ...(reply.getHeaders() as Record<string, string>),
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      // A kept connection that falls idle during shutdown would hold it up.
      connection: 'close',
    });
    await write(raw, 'retry: 2000\n\n', signal);
    for await (const item of items) {
      const text = item.kind === 'event' ? formatServerSentEvent(item.event) : ': alive\n\n';
      await write(raw, text, signal);
    }
    if (!signal.aborted) await write(raw, 'event: end\ndata: {}\n\n', signal);
  } catch (error) {
    if (!signal.aborted) log.error({ err: error }, 'event stream failed');
  } finally {
    raw.end();
  }
}

/** @throws ProblemError 400 for an id of another run, or of a store that was set back */
async function requireReached(
  runs: AppDependencies['runs'],
  id: string,
  after: number,
): Promise<void> {
  if (after === 0 || (await runs.events(id, after - 1)).length > 0) return;
  const words = `run ${id} has no event ${String(after)} (yet): events before it would be lost; start again without Last-Event-ID or after`;
  throw new ProblemError(400, 'unknown-event', words, [
    { pointer: '/last-event-id', detail: words },
  ]);
}

function wantsStream(accept: string | undefined, hasAfter: boolean): boolean {
  const types = (accept ?? '*/*').toLowerCase();
  if (types.includes('text/event-stream')) return true;
  if (types.includes('application/json')) return false;
  if (!types.includes('*/*') && !types.includes('text/*')) {
    throw new ProblemError(406, 'not-acceptable', 'accept text/event-stream or application/json');
  }
  return !hasAfter;
}

/** Waits for a slow reader instead of piling up what it has not read. */
async function write(raw: ServerResponse, text: string, signal: AbortSignal): Promise<void> {
  if (raw.destroyed) return;
  if (!raw.write(text) && !signal.aborted) await once(raw, 'drain', { signal });
}
