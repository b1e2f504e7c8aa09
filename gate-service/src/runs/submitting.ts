/** Accepts runs: within the rules of the catalogue, each request once, every attempt at a build counted. */
import { createHash, randomInt, randomUUID } from 'node:crypto';
import type { PlatformKind } from '../platforms/platform.ts';
import type { CatalogueService } from '../settings/catalogue.ts';
import { isoNow } from './clock.ts';
import type { Clock } from './clock.ts';
import { requireNamedBuild } from './named-build.ts';
import type { RunJudge } from './ports.ts';
import { resolveSettings } from './request-rules.ts';
import type { RunRequest } from './run.ts';
import type { SubmitOptions } from './run-service.ts';
import { RefusedError } from './run-service.ts';
import type {
  AcceptedRun,
  IdempotencyKey,
  NewRun,
  RoomForRun,
  RunRecord,
  RunSettings,
  RunStore,
} from './run-store.ts';

export interface SubmittingDependencies {
  readonly store: RunStore;
  readonly judge: RunJudge;
  readonly clock: Clock;
  /** See {@link requireNamedBuild}. */
  readonly platform?: PlatformKind;
  /** Services whose production runs on the machine that staging has. */
  readonly productionBesides: () => Promise<readonly string[]>;
  /** Seed of a new run, 0 to 2³¹ − 1; drawn at random when absent. */
  readonly drawSeed?: () => number;
}

/** A run that was accepted, now or when its Idempotency-Key came for the first time. */
export interface Accepted {
  readonly run: RunRecord;
  readonly created: boolean;
}

export class Submitting {
  readonly #deps: SubmittingDependencies;

  constructor(deps: SubmittingDependencies) {
    this.#deps = deps;
  }

  /** @throws RefusedError, IdempotencyConflictError */
  async submit(
    service: CatalogueService,
    asked: RunRequest,
    actor: string,
    idempotencyKey: string | undefined,
    options: SubmitOptions = {},
  ): Promise<Accepted> {
    const { clock, store } = this.#deps;
    const key =
      idempotencyKey === undefined
        ? undefined
        : { key: idempotencyKey, actor, requestHash: hashOf(asked) };
    // Before the rules: what was accepted once stays accepted, however full the queue is by now.
    const known = key === undefined ? undefined : await store.runByKey(key);
    if (known !== undefined) return { run: known, created: false };
    const build = await requireNamedBuild(this.#deps, service, asked.build, actor);
    const request = { ...asked, build };
    const settings = await this.#settings(service, request, options);
    const at = isoNow(clock);
    const run: NewRun = {
      id: randomUUID(),
      service: service.name,
      build,
      ...(request.label === undefined ? {} : { label: request.label }),
      request,
      settings,
      requestedBy: actor,
      createdAt: at,
      phase: 'queued',
      phases: [{ phase: 'queued', startedAt: at }],
    };
    return store.createRun(run, key, (room) => {
      requireRoom(service, request, room, options);
      const { earlierRuns } = room;
      return accepted({ ...run, settings: { ...settings, earlierRuns } }, room);
    });
  }

  async #settings(
    service: CatalogueService,
    request: RunRequest,
    { mayLoosen = false }: SubmitOptions,
  ): Promise<RunSettings> {
    const { judge, productionBesides, store } = this.#deps;
    const { inForce } = await store.serviceState(service.name);
    return resolveSettings(request, service, judge, {
      hasProduction: inForce !== undefined,
      productionBesides: await productionBesides(),
      hasReference: (await store.reference(service.name)) !== undefined,
      seed: (this.#deps.drawSeed ?? drawSeed)(),
      mayLoosen,
    });
  }
}

/** @throws RefusedError */
function requireRoom(
  service: CatalogueService,
  request: RunRequest,
  { earlierRuns, queued }: RoomForRun,
  { mayRepeat = false }: SubmitOptions,
): void {
  const { attemptsPerBuild = Infinity } = service.limits;
  if (earlierRuns >= attemptsPerBuild && !mayRepeat) {
    throw new RefusedError(
      'too-many-attempts',
      `build ${request.build} of ${service.name} had ${String(earlierRuns)} runs already, and the service catalogue allows ${String(attemptsPerBuild)}: running it until it passes shows nothing; a further run takes the right \`override\``,
      '/build',
    );
  }
  // One more where it takes the place of one that waits; that happens as soon as the driver sees it.
  const most = service.limits.queued + (service.supersede ? 1 : 0);
  if (queued < most) return;
  throw new RefusedError(
    'queue-full',
    `${String(queued)} runs of ${service.name} are queued, the most that the service catalogue allows: wait until some have ended, or cancel those that nobody needs any more`,
    '/service',
  );
}

/** The run with what is told and audited of it first. */
function accepted(run: NewRun, { ahead }: RoomForRun): AcceptedRun {
  const { loosened = [], promote, earlierRuns = 0 } = run.settings;
  const { startedBy } = run.request;
  return {
    run,
    event: {
      at: run.createdAt,
      type: 'phase',
      message: [
        `queued${ahead === 0 ? '' : ` behind ${String(ahead)}`}`,
        ...(earlierRuns > 0 ? [`this build was submitted ${times(earlierRuns)} before`] : []),
        ...(loosened.length > 0 ? [`loosened for this run: ${loosened.join('; ')}`] : []),
      ].join('; '),
      data: { phase: 'queued', ahead, earlierRuns, loosened },
    },
    audit: {
      at: run.createdAt,
      actor: run.requestedBy,
      action: 'run.submit',
      subject: run.id,
      service: run.service,
      data: {
        build: run.build,
        promote,
        earlierRuns,
        loosened,
        ...(startedBy === undefined ? {} : { startedBy }),
      },
    },
  };
}

/** Runs before this one, the one under way included; 0 when it is not queued any more. */
export async function aheadOf(
  run: RunRecord,
  store: Pick<RunStore, 'queuedRuns' | 'unfinishedRuns'>,
): Promise<number> {
  if (run.phase !== 'queued') return 0;
  const queued = await store.queuedRuns();
  const place = queued.findIndex(({ id }) => id === run.id);
  return Math.max(0, place) + (await store.unfinishedRuns()).length;
}

function times(count: number): string {
  return count === 1 ? 'once' : `${String(count)} times`;
}

function drawSeed(): number {
  return randomInt(2 ** 31);
}

/**
 * SHA-256 of what is asked for with its keys in order: the same hashes alike however it was written. Not of whom to wake
 * and of the label: a pipeline that starts again has another hook, and asks for the same run.
 */
function hashOf(request: RunRequest): IdempotencyKey['requestHash'] {
  const asked = { ...request, label: undefined, wake: undefined };
  return createHash('sha256')
    .update(JSON.stringify(canonical(asked)))
    .digest('hex');
}

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, own]) => [key, canonical(own)]));
}
