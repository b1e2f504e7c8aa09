/** Keeps one caller from taking the service, and the machine that it measures on, from all others. */
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ProblemError } from '../problems/problem.ts';

/**
 * Limits every route that does not opt out (`rateLimit: false`, the probes) for each identity, or address where none is asked for. Register it after the check of rights
 * and before the routes.
 * @param perMinute most requests of one caller in a minute
 */
export async function limitRequests(app: FastifyInstance, perMinute: number): Promise<void> {
  await app.register(rateLimit, {
    max: perMinute,
    timeWindow: 60_000,
    enableDraftSpec: true,
    keyGenerator: callerOf,
    errorResponseBuilder: (_request, { max }) =>
      new ProblemError(
        429,
        'too-many-requests',
        `more than ${max} requests in a minute came from this caller: wait as long as Retry-After says, and follow runs by their event streams`,
      ),
  });
}

function callerOf({ identity, ip }: FastifyRequest): string {
  return identity === null ? `address ${ip}` : `${identity.kind} ${identity.name}`;
}
