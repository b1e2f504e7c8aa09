/** What a run uses, from its request and the catalogue: only who has the right for it may ask for less than the catalogue. */
import type { Workload } from '../load/workload.ts';
import type { CatalogueService } from '../settings/catalogue.ts';
import { requireRoomForCapacity } from './capacity.ts';
import type { RunJudge } from './ports.ts';
import type { RunRequest } from './run.ts';
import type { RunSettings } from './records.ts';
import { RefusedError } from './run-service.ts';
import { workloadLoosenings, type Loosening } from './workload-rules.ts';

export const defaultTuning = { evaluations: 4, seconds: 120 } as const;

/** @throws RefusedError naming the field */
export function resolveSettings(
  request: RunRequest,
  service: CatalogueService,
  judge: Pick<RunJudge, 'checkThreshold' | 'isLooser'>,
  facts: {
    /** Whether the service has a build in production to compare with. */
    readonly hasProduction: boolean;
    readonly hasReference: boolean;
    /** Services whose production runs on the machine that would be saturated. */
    readonly productionBesides: readonly string[];
    readonly seed: number;
    /** Whether who asks may ask for less than the catalogue. */
    readonly mayLoosen: boolean;
  },
): RunSettings {
  const { against = 'production' } = request;
  if (against === 'reference') requireReference(request, service, facts.hasReference);
  const loosened: string[] = [];
  const loosen = (loosening: Loosening): void => {
    if (!facts.mayLoosen) throw notAllowed(loosening);
    loosened.push(loosening.words);
  };
  const workload = resolveWorkload(request.workload, service, judge, loosen);
  const thresholds = resolveThresholds(request, service, judge, workload, loosen);
  const asksCapacity = [...thresholds, ...service.shown].some(
    (text) => judge.checkThreshold(text).capacity,
  );
  if (asksCapacity) requireRoomForCapacity(service, facts.productionBesides, '/thresholds');
  const { promote = service.promotion.default } = request;
  const tune = resolveTuning(request, service);
  if (against === 'production') requireOwnPromotion(service, promote);
  if (!facts.hasProduction && against === 'production') requireInitial(service, thresholds, judge);
  return {
    workload,
    thresholds,
    shown: service.shown,
    tune,
    promote: against === 'reference' ? 'never' : promote,
    profile: request.profile ?? 'standard',
    against,
    ...(asksCapacity ? { capacity: { connections: service.capacity.connections } } : {}),
    seed: facts.seed,
    ...(loosened.length === 0 ? {} : { loosened }),
  };
}

/** Where the request does not say: the usual budget, or what the catalogue allows of it. */
function resolveTuning(
  { against, tune }: RunRequest,
  { limits, name }: CatalogueService,
): RunSettings['tune'] {
  // What is tuned is to be promoted; against a reference nothing is.
  if (tune === undefined && against === 'reference') return 'off';
  if (tune === undefined) {
    return { ...defaultTuning, seconds: Math.min(defaultTuning.seconds, limits.tuneSeconds) };
  }
  if (tune === 'off' || tune.seconds <= limits.tuneSeconds) return tune;
  throw new RefusedError(
    'tuning-too-long',
    `${String(tune.seconds)} s of tuning were asked for, and the service catalogue allows runs of ${name} ${String(limits.tuneSeconds)} s, because nothing else is measured meanwhile: ask for less, or raise limits.tuneSeconds of ${name} in the catalogue`,
    '/tune/seconds',
  );
}

function notAllowed({ field, words }: Loosening): RefusedError {
  return new RefusedError(
    'loosened',
    `${words}: a request may only tighten what the service catalogue says; to ask for less takes the right \`loosen\``,
    field,
  );
}

/** Who asks for a run would promote by it what somebody else has to promote. */
function requireOwnPromotion(service: CatalogueService, promote: RunSettings['promote']): void {
  if (!service.fourEyes || promote !== 'auto') return;
  throw new RefusedError(
    'own-run',
    `the service catalogue asks for four eyes on ${service.name}, and promote: "auto" promotes for who asks for the run: say "manual", and let somebody else promote what passes`,
    '/promote',
  );
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

/** The catalogue's thresholds hold and those of the request come on top; a looser one takes the place of what it loosens. */
function resolveThresholds(
  request: RunRequest,
  service: CatalogueService,
  judge: Pick<RunJudge, 'checkThreshold' | 'isLooser'>,
  workload: Workload,
  loosen: (loosening: Loosening) => void,
): readonly string[] {
  const resolved = new Set(
    service.thresholds.map((text, index) =>
      checkThresholdText(
        text,
        `/workload/requests`,
        workload,
        judge,
        `threshold ${index + 1} of the service catalogue, `,
      ),
    ),
  );
  for (const [index, text] of (request.thresholds ?? []).entries()) {
    const field = `/thresholds/${index}`;
    const canonical = checkThresholdText(text, field, workload, judge);
    const tighter = service.thresholds.filter((own) => judge.isLooser(canonical, own));
    if (tighter.length > 0) {
      loosen({ words: `${canonical} instead of ${tighter.join(' and ')}`, field });
      for (const own of tighter) resolved.delete(judge.checkThreshold(own).text);
    }
    resolved.add(canonical);
  }
  return [...resolved];
}

function resolveWorkload(
  requested: Workload | undefined,
  service: CatalogueService,
  judge: Pick<RunJudge, 'checkThreshold'>,
  loosen: (loosening: Loosening) => void,
): Workload {
  if (requested === undefined) return service.workload;
  const overAll = service.thresholds.find((text) => judge.checkThreshold(text).kind === undefined);
  for (const one of workloadLoosenings(requested, service.workload, overAll)) loosen(one);
  return requested;
}

/**
 * A threshold in its one written form.
 * @param field JSON pointer to it
 * @param whose words before it, where it does not stand in the request
 * @throws RefusedError `invalid-threshold` with the place of the mistake, or for a kind of request that is not sent
 */
export function checkThresholdText(
  text: string,
  field: string,
  workload: Workload,
  judge: Pick<RunJudge, 'checkThreshold'>,
  whose = '',
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
      `${whose}${canonical}: the workload has no request called ${kind}; it has ${known}`,
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
