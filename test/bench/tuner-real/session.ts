/** One session of the tuner on real nodes: from stock, each challenger measured in turns with the incumbent. */
import { createTuner } from '../../../gate-service/src/optimizer/tuner.ts';
import type {
  Decision,
  Experience,
  Observation,
  Proposal,
  Values,
} from '../../../gate-service/src/optimizer/tuner.ts';
import type { BoundSpace } from '../../../gate-service/src/optimizer/space/bound-space.ts';
import type {
  NodeResources,
  StackConfiguration,
} from '../../../gate-service/src/stack/configuration.ts';
import { expertPrior } from '../../../gate-service/src/stack/expert.ts';
import { tunableSpace, type TunableSpace } from '../../../gate-service/src/stack/tunable-space.ts';
import { stockConfiguration } from '../../../gate-service/src/stack/stock.ts';
import { PlatformError } from '../../../gate-service/src/platforms/platform.ts';
import {
  ErrorBurst,
  measurePairs,
  PAIRS,
  warmUp,
  WARM_SECONDS,
  WINDOW_SECONDS,
  type Bench,
} from './measuring.ts';
import type { BenchNode } from './nodes.ts';
import { contextOf, readTelemetry } from './telemetry.ts';
import { costOf, logRatiosOf, readingOf, typical, type LoadWindow } from './window.ts';
import { objectiveOf } from './workloads.ts';

export interface SessionPlan extends Bench {
  readonly resources: NodeResources;
  readonly budget: number;
  readonly seconds: number;
  readonly seed: number;
  /** Experience for this knob space; asked when the space is known. */
  readonly recall: (space: BoundSpace) => Experience | undefined;
  readonly say: (line: string) => void;
}

/** One evaluation, for trajectory and plot. */
export interface EvaluationPoint {
  readonly evaluation: number;
  readonly source: Proposal['source'];
  readonly verdict: Decision['verdict'];
  /** Right answers a second, or milliseconds; absent when nothing was measured. */
  readonly measured?: number;
  /** Of the challenger against the incumbent of the moment, as ratio of costs; 1 is equal. */
  readonly cost?: number;
  readonly values: Values;
  readonly sentence: string;
  /** Since the session's start. */
  readonly seconds: number;
}

export interface SessionResult {
  readonly best: StackConfiguration;
  readonly adopted: boolean;
  readonly points: readonly EvaluationPoint[];
  readonly unsafe: number;
  readonly seconds: number;
  readonly ended: string;
  /** The tuner's own, `best` in its space. */
  readonly answer: Values;
  readonly experience: Experience;
}

/**
 * Failed requests may not exceed it, whatever is won, nor what they were in force: an overloaded httpd ends
 * kept connections that have the next request on them already, and that counts as a failure.
 */
const ERRORS = 0.01;
/** So many more than in force end an evaluation at once. */
const BURST = 0.2;
/** p99 may not get much worse than it was in force: noise of a saturated p99 is about 10 %. */
const P99_FACTOR = 1.5;
/** Swap and warming-up of an evaluation, about; it only decides how many evaluations fit into the time. */
const SWAP_SECONDS = 20;
const LEAST_BUDGET = 2;

export async function tuneOnNodes(plan: SessionPlan): Promise<SessionResult> {
  const { bed, resources, workload, say } = plan;
  const began = performance.now();
  const elapsed = (): number => (performance.now() - began) / 1000;
  const objective = objectiveOf(workload);
  const stock = stockConfiguration(resources);
  let incumbent = await bed.start(stock);
  let challenger = await bed.start(stock);
  try {
    await warmUp(plan, incumbent);
    await warmUp(plan, challenger);
    const { load, windows } = await readTelemetry(plan, incumbent);
    const space = tunableSpace(stock, resources, { telemetry: load, nodes: 1, mesh: false });
    const prior = expertPrior(load, resources, stock, space);
    const failedInForce = Math.max(...windows.map(({ failedShare }) => failedShare));
    say(
      `stock: ${load.ratePerSecond.toFixed(0)}/s, p50 ${load.p50Ms.toFixed(1)} ms, p99 ${load.p99Ms.toFixed(0)} ms, ${load.concurrency} workers busy, ${(100 * failedInForce).toFixed(1)} % failed; expert: ${prior.reason}`,
    );
    const guarded: SessionPlan = { ...plan, burst: failedInForce + BURST };
    const limits = [
      { metric: 'errors', max: Math.max(ERRORS, failedInForce) },
      { metric: 'p99', max: P99_FACTOR * load.p99Ms },
    ];
    const experience = plan.recall(space);
    const each = 2 * PAIRS * WINDOW_SECONDS + (PAIRS + 1) * WARM_SECONDS + SWAP_SECONDS;
    const budget = affordable(plan.budget, plan.seconds - elapsed(), each);
    const tuner = createTuner(
      { space, start: space.start, prior, limits, context: contextOf(plan, load) },
      {
        budget,
        seed: plan.seed,
        paired: true,
        ...(experience === undefined ? {} : { experience }),
      },
    );
    const points: EvaluationPoint[] = [];
    let outOfTime = false;
    for (;;) {
      outOfTime = points.length > 0 && elapsed() + each > plan.seconds;
      const proposal = outOfTime ? undefined : tuner.ask();
      if (proposal === undefined) break;
      const evaluated =
        proposal.source === 'start'
          ? seen(objective, windows)
          : await evaluate(guarded, space, { incumbent, challenger }, proposal.values);
      const { observation, measured } = evaluated;
      const decision = tuner.tell(proposal.id, observation);
      const point = pointOf(proposal, decision, observation, measured, elapsed());
      points.push(point);
      say(lineOf(point, proposal, space.start));
      // What was adopted runs already: its node is the incumbent's now.
      const inForce = configurationOf(space, decision.incumbent);
      if (incumbent.configuration.hash === inForce.hash) continue;
      [incumbent, challenger] = [challenger, incumbent];
      if (incumbent.configuration.hash === inForce.hash) continue;
      await incumbent.apply(inForce);
      await warmUp(plan, incumbent);
    }
    const result = tuner.result();
    const ended = outOfTime ? 'the time is over' : result.ended;
    say(`${result.explanation.summary} Ended: ${ended}.`);
    return {
      best: configurationOf(space, result.best),
      adopted: result.adopted,
      points,
      unsafe: result.explanation.unsafeEvaluations,
      seconds: elapsed(),
      ended,
      answer: result.best,
      experience: tuner.experience(),
    };
  } finally {
    if (!plan.signal.aborted) for (const node of [incumbent, challenger]) await node.remove();
  }
}

interface Evaluated {
  readonly observation: Observation;
  readonly measured?: number;
}

/** The start is told from the telemetry's own windows: it has been measured. */
function seen(
  objective: ReturnType<typeof objectiveOf>,
  windows: readonly LoadWindow[],
): Evaluated {
  const value = typical(windows, (window) => costOf(objective, window));
  return {
    observation: { value, metrics: metricsOf(windows) },
    measured: readingOf(objective, value),
  };
}

async function evaluate(
  plan: SessionPlan,
  space: TunableSpace,
  nodes: { readonly incumbent: BenchNode; readonly challenger: BenchNode },
  values: Values,
): Promise<Evaluated> {
  const objective = objectiveOf(plan.workload);
  try {
    await nodes.challenger.apply(configurationOf(space, values));
    await warmUp(plan, nodes.challenger);
    // Strangers may spoil an evaluation; it is decided without a look at what it shows, and once.
    let windows = await measurePairs(plan, nodes);
    if (logRatiosOf(objective, windows).length < PAIRS - 1) {
      plan.say('spoilt by other processes, measured once more');
      windows = await measurePairs(plan, nodes);
    }
    const logRatios = logRatiosOf(objective, windows);
    const cost = typical(windows.challenger, (window) => costOf(objective, window));
    return {
      observation: {
        metrics: metricsOf(windows.challenger),
        // With too few pairs the tuner rejects by itself; it learns from the single value then.
        ...(logRatios.length === 0 ? { value: cost } : { logRatios }),
      },
      measured: readingOf(objective, cost),
    };
  } catch (error) {
    plan.signal.throwIfAborted();
    if (error instanceof ErrorBurst || error instanceof PlatformError || isRefusal(error)) {
      return { observation: { aborted: error instanceof Error ? error.message : 'unknown' } };
    }
    throw error;
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof Error && error.message.includes('refused the connection');
}

function metricsOf(windows: readonly LoadWindow[]): Record<string, number> {
  const p99 = typical(windows, (window) => window.p99Ms);
  return {
    errors: windows.reduce((sum, { failedShare }) => sum + failedShare, 0) / windows.length,
    ...(Number.isFinite(p99) ? { p99 } : {}),
  };
}

/** @throws Error for values that the tuner must not ask for or answer */
function configurationOf(space: TunableSpace, values: Values): StackConfiguration {
  const expanded = space.expand(values);
  if (expanded.ok) return expanded.configuration;
  throw new Error(
    `the tuner named an illegal configuration: ${expanded.violations.map(({ message }) => message).join(' ')}`,
  );
}

/** Evaluations that fit into the time. The start costs none: telemetry has measured it. */
export function affordable(budget: number, secondsLeft: number, secondsEach: number): number {
  return Math.max(LEAST_BUDGET, Math.min(budget, 1 + Math.floor(secondsLeft / secondsEach)));
}

function pointOf(
  { id, source, values }: Proposal,
  { verdict, sentence }: Decision,
  { logRatios = [] }: Observation,
  measured: number | undefined,
  seconds: number,
): EvaluationPoint {
  const mean = logRatios.reduce((sum, ratio) => sum + ratio, 0) / logRatios.length;
  return {
    evaluation: id,
    source,
    verdict,
    ...(measured === undefined ? {} : { measured }),
    ...(logRatios.length === 0 ? {} : { cost: Math.exp(mean) }),
    values,
    sentence,
    seconds,
  };
}

function lineOf(point: EvaluationPoint, { reason }: Proposal, start: Values): string {
  const changes = Object.entries(point.values)
    .filter(([name, value]) => value !== start[name])
    .map(([name, value]) => `${name}=${String(value)}`);
  const what = changes.length === 0 ? 'as stock' : changes.join(' ');
  const measured = point.measured === undefined ? '–' : point.measured.toFixed(1);
  return `${point.evaluation} [${point.source}: ${reason}] ${what}: ${measured}; ${point.sentence} (${point.seconds.toFixed(0)} s)`;
}
