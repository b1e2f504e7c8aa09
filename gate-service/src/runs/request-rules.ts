/** What a run uses, from its request and the catalogue: a request may only tighten what the catalogue says. */
import { meanRate, type RequestKind, type Workload } from '../load/workload.ts';
import type { CatalogueService } from '../settings/catalogue.ts';
import { requireRoomForCapacity } from './capacity.ts';
import type { RunJudge } from './ports.ts';
import type { RunRequest } from './run.ts';
import type { RunSettings } from './records.ts';
import { RefusedError } from './run-service.ts';

export const defaultTuning = { evaluations: 4, seconds: 120 } as const;

/**
 * @param hasProduction whether the service has a build in production to compare with
 * @throws RefusedError naming the field
 */
export function resolveSettings(
  request: RunRequest,
  service: CatalogueService,
  judge: Pick<RunJudge, 'checkThreshold' | 'isLooser'>,
  facts: {
    readonly hasProduction: boolean;
    readonly hasReference: boolean;
    /** Services whose production runs on the machine that would be saturated. */
    readonly productionBesides: readonly string[];
    readonly seed: number;
  },
): RunSettings {
  const { against = 'production' } = request;
  if (against === 'reference') requireReference(request, service, facts.hasReference);
  const workload = resolveWorkload(request.workload, service.workload);
  const thresholds = resolveThresholds(request, service, judge, workload);
  const asksCapacity = [...thresholds, ...service.shown].some(
    (text) => judge.checkThreshold(text).capacity,
  );
  if (asksCapacity) requireRoomForCapacity(service, facts.productionBesides, '/thresholds');
  if (!facts.hasProduction && against === 'production') requireInitial(service, thresholds, judge);
  return {
    workload,
    thresholds,
    shown: service.shown,
    // What is tuned is to be promoted; against a reference nothing is.
    tune: request.tune ?? (against === 'reference' ? 'off' : defaultTuning),
    promote: against === 'reference' ? 'never' : (request.promote ?? service.promotion.default),
    profile: request.profile ?? 'standard',
    against,
    ...(asksCapacity ? { capacity: { connections: service.capacity.connections } } : {}),
    seed: facts.seed,
  };
}

/** A pass against the reference says nothing about production: it must not lead there. */
function requireReference(
  request: RunRequest,
  service: CatalogueService,
  hasReference: boolean,
): void {
  if (request.promote !== undefined && request.promote !== 'never') {
    throw new RefusedError(
      'reference-promotes',
      `against: "reference" shows drift and promotes nothing, so promote: "${request.promote}" does not go with it: leave it out or say "never", and gate against production to promote`,
      '/promote',
    );
  }
  if (!hasReference) {
    throw new RefusedError(
      'no-reference',
      `${service.name} has no reference release: PUT /v1/services/${service.name}/reference first`,
      '/against',
    );
  }
}

/** The catalogue's thresholds always hold; those of the request come on top. */
function resolveThresholds(
  request: RunRequest,
  service: CatalogueService,
  judge: Pick<RunJudge, 'checkThreshold' | 'isLooser'>,
  workload: Workload,
): readonly string[] {
  const resolved = new Set(service.thresholds.map((text) => judge.checkThreshold(text).text));
  for (const [index, text] of (request.thresholds ?? []).entries()) {
    const field = `/thresholds/${index}`;
    const canonical = checkThresholdText(text, field, workload, judge);
    const tighter = service.thresholds.find((own) => judge.isLooser(canonical, own));
    if (tighter !== undefined) {
      throw new RefusedError(
        'loosened',
        `${canonical} is looser than ${tighter} in the service catalogue, which holds anyway: a request may only tighten`,
        field,
      );
    }
    resolved.add(canonical);
  }
  return [...resolved];
}

/**
 * A threshold in its one written form.
 * @param field JSON pointer to it
 * @throws RefusedError `invalid-threshold` with the place of the mistake, or for a kind of request that is not sent
 */
export function checkThresholdText(
  text: string,
  field: string,
  workload: Workload,
  judge: Pick<RunJudge, 'checkThreshold'>,
): string {
  let checked: ReturnType<RunJudge['checkThreshold']>;
  try {
    checked = judge.checkThreshold(text);
  } catch (error) {
    throw new RefusedError(
      'invalid-threshold',
      error instanceof Error ? error.message : String(error),
      field,
    );
  }
  const { kind, text: canonical } = checked;
  if (kind !== undefined && !workload.requests.some(({ name }) => name === kind)) {
    const known = workload.requests.map(({ name }) => name).join(', ');
    throw new RefusedError(
      'invalid-threshold',
      `${canonical}: the workload has no request called ${kind}; it has ${known}`,
      field,
    );
  }
  return canonical;
}

function requireInitial(
  service: CatalogueService,
  thresholds: readonly string[],
  judge: Pick<RunJudge, 'checkThreshold'>,
): void {
  if (!service.initialBuild) {
    throw new RefusedError(
      'no-production',
      `${service.name} has no build in production to compare with: set initialBuild in the service catalogue to judge the first one by absolute thresholds`,
      '/service',
    );
  }
  if (!thresholds.some((text) => judge.checkThreshold(text).absolute)) {
    throw new RefusedError(
      'no-production',
      `${service.name} has no build in production yet and no absolute threshold (e.g. p95 < 200ms): nothing could be judged`,
      '/thresholds',
    );
  }
}

/**
 * A request's workload must send at least what the catalogue's does: every kind with its data, as often,
 * in the same waves, and on as many fresh connections.
 */
function resolveWorkload(requested: Workload | undefined, own: Workload): Workload {
  if (requested === undefined) return own;
  requireSamePace(requested, own);
  for (const kind of own.requests) {
    const same = requested.requests.find((other) => other.name === kind.name);
    if (same === undefined || !sendsSame(same, kind)) {
      throw loosened(
        `the catalogue's request ${kind.name} is missing or changed: a request may add kinds, not drop or change them, their checks or their data`,
        '/workload/requests',
      );
    }
    if (share(same, requested) * meanRate(requested) < share(kind, own) * meanRate(own) * 0.999) {
      throw loosened(
        `${kind.name} would be sent less often than the catalogue says: raise its weight or the rate`,
        '/workload/requests',
      );
    }
  }
  return requested;
}

/** How fast and how evenly it is sent: calmer traffic hides what bursts show. */
function requireSamePace(requested: Workload, own: Workload): void {
  if (phasesText(requested) !== phasesText(own)) {
    throw loosened(
      own.phases === undefined
        ? 'the catalogue sends at one rate: a request may not add phases to it'
        : 'the phases differ from the catalogue’s: a request keeps them as they are',
      '/workload/phases',
    );
  }
  if (requested.rate < own.rate || meanRate(requested) < meanRate(own)) {
    throw loosened(
      `a rate of ${requested.rate}/s is below the catalogue's ${own.rate}/s: a request may only tighten`,
      '/workload/rate',
    );
  }
  if (own.arrivals === 'poisson' && requested.arrivals !== 'poisson') {
    throw loosened(
      `the catalogue's arrivals are ${own.arrivals}, with bursts; ${requested.arrivals} ones are easier to serve`,
      '/workload/arrivals',
    );
  }
  if (requested.freshConnections < own.freshConnections) {
    throw loosened(
      `a share of ${requested.freshConnections} fresh connections is below the catalogue's ${own.freshConnections}`,
      '/workload/freshConnections',
    );
  }
}

function loosened(message: string, field: string): RefusedError {
  return new RefusedError('loosened', message, field);
}

function phasesText({ phases }: Workload): string {
  return JSON.stringify(
    phases === undefined
      ? null
      : [phases.apply, phases.steps.map(({ factor, seconds }) => [seconds, factor])],
  );
}

function sendsSame(one: RequestKind, other: RequestKind): boolean {
  const sent = ({ body, data, expect, headers, method, path }: RequestKind): string =>
    JSON.stringify([
      method,
      path,
      body ?? null,
      expect.status === undefined ? null : [...new Set([expect.status].flat())].sort(),
      expect.bodyPattern ?? null,
      Object.entries(headers).sort(),
      data === undefined ? null : [data.order, data.columns, data.rows],
    ]);
  return sent(one) === sent(other);
}

function share(kind: RequestKind, workload: Workload): number {
  return kind.weight / workload.requests.reduce((sum, { weight }) => sum + weight, 0);
}
