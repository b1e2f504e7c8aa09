/**
 * Tuning on this stack, in a run: the optimizer's challengers are measured side by side with the
 * incumbent, where telemetry shows something to win. p95 is to be won; p50 must not get worse and
 * no more requests may fail.
 */
import { pairedEffects } from '../../judge/effects.ts';
import { quantileMs } from '../../judge/standing.ts';
import { decideAdoption, pairedConfidence, together } from '../../optimizer/adoption.ts';
import type { EvaluationResult } from '../../optimizer/adoption.ts';
import { burstOf } from '../../optimizer/error-burst.ts';
import type {
  BoundSpace,
  Proposal,
  Tuner as Engine,
  TunerOptions,
  TuningProblem,
  Values,
} from '../../optimizer/tuner.ts';
import { createTuner } from '../../optimizer/tuner.ts';
import type { StackConfiguration } from '../../stack/configuration.ts';
import { adviceWords } from '../../stack/advice.ts';
import { expertAdvice } from '../../stack/expert-table.ts';
import { expertPrior } from '../../stack/expert.ts';
import { findHeadroom } from '../../stack/headroom.ts';
import type { NodeResources } from '../../stack/resources.ts';
import { tunableSpace } from '../../stack/tunable-space.ts';
import { hashOfSpace } from '../../optimizer/space-hash.ts';
import { asError } from '../clock.ts';
import type { Tuner, TuningAnswer, TuningFacts, TuningPlan, TuningTold, Tuners } from '../ports.ts';
import type { TuningChange } from '../tuning-record.ts';
import { refuted, remembered } from './adoption-memory.ts';
import { countedSamples } from './counted-samples.ts';
import { priorOf } from './known-prior.ts';
import { nodeTelemetry } from './node-telemetry.ts';
import { tuningContext } from './tuning-context.ts';
import { recallSessions } from './tuning-experience.ts';
import type { Recalled } from './tuning-experience.ts';
import { errorLimit, standingOf, tuningLimits } from './tuning-limits.ts';

/** The first one is to be won, the others must not get worse. Per cent of the quantile. */
const OBJECTIVES = [95, 50] as const;
const ARMS = { reference: 'candidate', subject: 'challenger' } as const;
/** A window in which one side had no quantile counts as so many times slower or faster, as a logarithm. */
const MOST_LOG_RATIO = 3;

export function stackTuners(resources: NodeResources): Tuners {
  return {
    create: (incumbent, facts) => stackTuner(resources, incumbent, facts),
    takenBack: refuted,
  };
}

function stackTuner(
  resources: NodeResources,
  incumbent: StackConfiguration,
  facts: TuningFacts,
): Tuner {
  const telemetry = nodeTelemetry(facts, resources);
  const headroom = findHeadroom(telemetry, incumbent);
  const nothing = headroom.exists
    ? undefined
    : `nothing to tune: ${headroom.reason} ${headroom.lookedAt.replace(/\.$/, '')}`;
  const p95 = p95Of(facts);
  if (nothing !== undefined || p95 === undefined) {
    const sentence = nothing ?? 'nothing to tune: the incumbent has no p95 that could be improved';
    return {
      memory: [],
      advice: [],
      ask: () => ({ kind: 'none', sentence }),
      tell: neverAsked,
      learnt: none,
    };
  }
  const nodes = nodesOf(facts);
  const load = { ...telemetry, nodes };
  const space = tunableSpace(incumbent, resources, { telemetry: load, nodes });
  const limits = tuningLimits(facts.thresholds);
  const context = tuningContext(facts, nodes, resources);
  const recalled = recallSessions(facts.sessions, space, { service: facts.service, context });
  const { engine, sentences } = createEngine(
    {
      space,
      start: space.start,
      prior: priorOf(expertPrior(load, resources, incumbent, space), space, recalled, context),
      limits: limits.map(({ max, metric }) => ({ max, metric })),
      context,
    },
    // The code comparison has measured the incumbent already.
    { budget: facts.evaluations + 1, seed: facts.seed, paired: true },
    recalled,
  );
  const start = { value: p95, metrics: standingOf(facts.measurement, 'candidate', limits).metrics };
  const confidence = pairedConfidence(facts.evaluations);
  const open = new Map<string, Proposal>();
  const compared = new Map<string, EvaluationResult[]>();

  /** The next challenger that is another configuration than the incumbent, which needs no evaluation. */
  function next(): { proposal: Proposal; configuration: StackConfiguration } | undefined {
    for (;;) {
      const proposal = engine.ask();
      if (proposal === undefined) return undefined;
      const expanded = space.expand(proposal.values);
      if (!expanded.ok) {
        const why = expanded.violations.map(({ message }) => message).join(' ');
        throw new Error(`the tuner proposed an illegal configuration: ${why}`);
      }
      const { configuration } = expanded;
      if (configuration.hash !== incumbent.hash) return { proposal, configuration };
      engine.tell(proposal.id, start);
    }
  }

  const maxErrors = errorLimit(facts.thresholds);
  return {
    ...(maxErrors === undefined ? {} : { errorLimit: maxErrors }),
    get memory() {
      return [...engine.result().explanation.memory, ...sentences];
    },
    advice: adviceWords(expertAdvice(load, resources, incumbent.values)),
    ask({ evaluationsLeft, secondsLeft, secondsPerEvaluation }) {
      if (evaluationsLeft < 1) {
        return { kind: 'none', sentence: 'no evaluation is left in the budget' };
      }
      if (!(secondsLeft > 0 && secondsLeft >= secondsPerEvaluation)) {
        const sentence = 'the time left in the budget is too short for an evaluation';
        return { kind: 'none', sentence };
      }
      const found = next();
      if (found === undefined) return { kind: 'none', sentence: engine.result().ended };
      const { configuration, proposal } = found;
      open.set(configuration.hash, proposal);
      return { kind: 'proposal', configuration, ...planOf(proposal, space.start, space) };
    },
    tell(configuration, told) {
      const proposal = open.get(configuration.hash);
      if (proposal === undefined) throw new Error(`${configuration.hash} was not asked for`);
      const earlier = compared.get(configuration.hash) ?? [];
      compared.set(configuration.hash, earlier);
      const terms = { confidence, earlier, p95, thresholds: facts.thresholds };
      return tell(engine, proposal, told, terms);
    },
    learnt(end) {
      const session = engine.experience().sessions.at(-1);
      if (session === undefined || session.trials.length === 0) return undefined;
      return { space: hashOfSpace(space.knobs), session: remembered(session, end) };
    },
  };
}

/** Experience that the optimizer stumbles over is left out: it must not fail a run. */
function createEngine(
  problem: TuningProblem,
  options: TunerOptions,
  { experience, sentences }: Recalled,
): { readonly engine: Engine; readonly sentences: readonly string[] } {
  if (experience === undefined) return { engine: createTuner(problem, options), sentences };
  try {
    return { engine: createTuner(problem, { ...options, experience }), sentences };
  } catch (error) {
    const why = `what former runs learnt is left out: ${asError(error).message}`;
    return { engine: createTuner(problem, options), sentences: [...sentences, why] };
  }
}

interface Terms {
  readonly confidence: number;
  /** Former comparisons of this challenger, to which a new one is added that the tuner has taken. */
  readonly earlier: EvaluationResult[];
  /** Of the incumbent in the code comparison, ms: what ratios are multiplied with, for later runs. */
  readonly p95: number;
  readonly thresholds: readonly string[];
}

function tell(engine: Engine, { id }: Proposal, told: TuningTold, terms: Terms): TuningAnswer {
  if (told.kind === 'failed') {
    const { sentence } = engine.tell(id, { aborted: told.reason });
    return { verdict: 'unsafe', margins: [], sentence };
  }
  const { measurement } = told;
  const { margins, metrics } = standingOf(
    measurement,
    'challenger',
    tuningLimits(terms.thresholds),
  );
  if (told.burst !== undefined) {
    const { sentence } = engine.tell(id, { aborted: told.burst, metrics });
    return { verdict: 'unsafe', margins, sentence };
  }
  const effects = OBJECTIVES.map((percent) => pairedEffects(measurement, ARMS, percent));
  const unsound =
    effects.find((effect) => effect.unsound !== undefined)?.unsound ??
    (measurement.steady === false ? 'the comparison never became steady' : undefined);
  // Says nothing of the challenger: it stays open and is asked for again.
  if (unsound !== undefined)
    return { verdict: 'dropped', margins, sentence: `not used: ${unsound}` };
  const [first] = effects;
  const none = { hits: 0, total: 0 };
  const failures = {
    challenger: first?.failures.subject ?? none,
    incumbent: first?.failures.reference ?? none,
  };
  const objectives = effects.map(({ logRatios }, index) => ({
    name: `p${String(OBJECTIVES[index])}`,
    // A window in which the quantile of both arms is infinite says nothing of their ratio.
    logRatios: logRatios
      .filter((ratio) => !Number.isNaN(ratio))
      .map((ratio) => Math.max(-MOST_LOG_RATIO, Math.min(MOST_LOG_RATIO, ratio))),
  }));
  const own = { objectives, failures };
  const all = [...terms.earlier, own];
  const adoption = decideAdoption(together(all), terms.confidence);
  const { effect, high, low } = adoption;
  const logRatios = objectives[0]?.logRatios ?? [];
  const ownEffect = decideAdoption(own, terms.confidence).effect;
  const burst = burstOf(failures.challenger, failures.incumbent, errorLimit(terms.thresholds));
  const decision = engine.tell(id, {
    value:
      terms.p95 * Math.exp(ownEffect === undefined ? meanOf(logRatios) : Math.log1p(ownEffect)),
    metrics,
    ...(burst === undefined ? {} : { aborted: burst }),
    // What is better in p95 and not to be adopted all the same is learnt from, and never adopted.
    ...(adoption.adopted || !(high !== undefined && high < 0) ? { logRatios } : {}),
  });
  terms.earlier.push(own);
  const measured =
    effect === undefined || low === undefined || high === undefined
      ? {}
      : {
          measured: {
            change: effect,
            low,
            high,
            confidence: terms.confidence,
            windows: all.reduce((sum, one) => sum + windowsOf(one), 0),
          },
        };
  if (decision.verdict === 'unsafe') {
    return { verdict: 'unsafe', ...measured, margins, sentence: decision.sentence };
  }
  const adopted = adoption.adopted && decision.adopted;
  const { sentence } = adoption;
  return { verdict: adopted ? 'adopted' : 'rejected', ...measured, margins, sentence };
}

function windowsOf({ objectives: [first] }: EvaluationResult): number {
  return first?.logRatios.length ?? 0;
}

function planOf(
  { predicted, reason, source, values }: Proposal,
  start: Values,
  { names }: BoundSpace,
): TuningPlan {
  const shares = new Map(predicted?.knobs.map(({ name, share: part }) => [name, part]));
  const changes = names
    .filter((name) => values[name] !== start[name])
    .map((knob): TuningChange => {
      const part = shares.get(knob);
      return {
        knob,
        from: start[knob] ?? '',
        to: values[knob] ?? '',
        ...(part === undefined ? {} : { share: part }),
      };
    });
  return {
    source: source === 'start' ? 'rerun' : source,
    reason,
    changes,
    ...(predicted === undefined
      ? {}
      : {
          predicted: {
            change: predicted.change,
            low: predicted.low,
            high: predicted.high,
            safe: predicted.safe,
          },
        }),
  };
}

function p95Of({ measurement }: TuningFacts): number | undefined {
  const value = quantileMs(countedSamples(measurement, 'candidate'), 95);
  return value !== undefined && value > 0 && Number.isFinite(value) ? value : undefined;
}

function nodesOf({ candidateArmId, observations }: TuningFacts): number {
  const seen = observations.at(-1)?.find(({ arm }) => arm.id === candidateArmId);
  return Math.max(1, seen?.arm.nodes.length ?? 1);
}

function meanOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function neverAsked(): never {
  throw new Error('nothing was asked for');
}

const none = (): undefined => undefined;
