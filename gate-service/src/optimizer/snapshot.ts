/**
 * A stored session, checked as a whole before it goes on: its shape, and that its parts agree with each
 * other. One that was cut off or changed by hand could otherwise be unsafe where this session was not.
 */
import { encode, sameEffect, sameValues } from './encoding.ts';
import { checkObservation, whyUnsafe } from './measures.ts';
import { hasPlace } from './safety.ts';
import { parseSnapshot } from './snapshot-schema.ts';
import { hashOfSpace } from './space-hash.ts';
import { DamagedSnapshotError, ForeignExperienceError } from './tuner-errors.ts';
import type { Step, TunerSnapshot, TuningProblem, Values } from './tuner.ts';

/**
 * @throws DamagedSnapshotError with the first thing that is wrong, and where
 * @throws ForeignExperienceError for a snapshot of other knobs
 */
export function readSnapshot(problem: TuningProblem, stored: unknown): TunerSnapshot {
  const parsed = parseSnapshot(stored);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new DamagedSnapshotError(`${placeOf(issue?.path ?? [])}${issue?.message ?? ''}`);
  }
  const snapshot = parsed.data;
  const own = hashOfSpace(problem.space.knobs);
  if (snapshot.space !== own) throw new ForeignExperienceError('snapshot', snapshot.space, own);
  for (const wrong of contradictions(problem, snapshot)) throw new DamagedSnapshotError(wrong);
  return snapshot;
}

function placeOf(path: readonly PropertyKey[]): string {
  return path.length === 0 ? '' : `${path.map(String).join('.')}: `;
}

/** What no session leaves behind, in words. */
function* contradictions(problem: TuningProblem, snapshot: TunerSnapshot): Generator<string> {
  const { open, options, state, steps } = snapshot;
  if (steps.length > options.budget) {
    yield `it has ${steps.length} evaluations, more than its budget of ${options.budget}`;
  }
  for (const [index, step] of steps.entries()) yield* inStep(problem, step, index + 1);
  if (open !== undefined) {
    if (open.id !== steps.length + 1) yield `evaluation ${open.id} is open after ${steps.length}`;
    yield* illegal(problem, open.values, 'the open evaluation');
  }
  const { space, start } = problem;
  const first = steps[0]?.proposal ?? open;
  if (first !== undefined && !sameValues(space, first.values, start)) {
    yield 'its first evaluation is not of the configuration in force';
  }
  yield* inIncumbents(problem, snapshot);
  yield* inState(problem, snapshot);
  for (const { observation, proposal } of steps) {
    const why = whyUnsafe(problem.limits, observation);
    if (why === undefined || sameEffect(space, proposal.values, start)) continue;
    if (!state.barriers.some(({ violator }) => sameEffect(space, violator, proposal.values))) {
      yield `evaluation ${proposal.id} broke a limit, and nothing keeps from entering it again`;
    }
  }
}

function* inStep(
  problem: TuningProblem,
  { decision, observation, proposal }: Step,
  id: number,
): Generator<string> {
  if (proposal.id !== id || decision.id !== id) {
    yield `evaluation ${id} is told as ${proposal.id} and decided as ${decision.id}`;
  }
  yield* illegal(problem, proposal.values, `evaluation ${id}`);
  try {
    checkObservation(observation);
  } catch (error) {
    yield `evaluation ${id}: ${error instanceof Error ? error.message : String(error)}`;
  }
  const why = whyUnsafe(problem.limits, observation);
  if ((why !== undefined) !== (decision.verdict === 'unsafe')) {
    yield `evaluation ${id} was ${why ?? 'safe'}, but decided as ${decision.verdict}`;
  }
  if ((decision.verdict === 'adopted') !== decision.adopted) {
    yield `evaluation ${id} is adopted and not adopted at once`;
  }
}

/** The configurations in force, one after the other, must have been adopted by its own decisions. */
function* inIncumbents(
  problem: TuningProblem,
  { state: { incumbents }, steps }: TunerSnapshot,
): Generator<string> {
  const { space, start } = problem;
  const [first, ...adopted] = incumbents;
  if (first === undefined || !sameValues(space, first, start)) {
    yield 'it does not begin at the configuration in force';
  }
  for (const values of adopted) {
    const decided = steps.some(
      ({ decision }) => decision.adopted && sameValues(space, decision.incumbent, values),
    );
    if (!decided) yield 'it has a configuration in force that none of its evaluations adopted';
  }
  const now = incumbents.at(-1);
  const last = steps.at(-1)?.decision.incumbent;
  if (now !== undefined && last !== undefined && !sameValues(space, now, last)) {
    yield 'its last decision names another configuration in force than it has';
  }
}

function* inState(problem: TuningProblem, { state }: TunerSnapshot): Generator<string> {
  const { space, start } = problem;
  const { barriers, hyperparameters, leader, milestones, policy, race, races } = state;
  yield* illegal(problem, leader, 'its leader');
  for (const values of milestones) yield* illegal(problem, values, 'one of its milestones');
  for (const { challenger, incumbent } of [...races, ...(race === undefined ? [] : [race])]) {
    yield* illegal(problem, challenger, 'the challenger of a race');
    yield* illegal(problem, incumbent, 'the incumbent of a race');
  }
  const others = barriers.flatMap(({ safe, violator }) => [safe, violator]);
  if (!others.every((values) => hasPlace(space, values))) {
    yield 'one of its barriers is of no configuration of these knobs';
  }
  const missing = space.names.find(
    (name) => policy.numeric[name] === undefined && policy.categorical[name] === undefined,
  );
  if (missing !== undefined) yield `its policy says nothing of ${missing}`;
  const inputs = encode(space, start).length;
  if (Object.values(hyperparameters).some(({ lengths }) => lengths.length !== inputs)) {
    yield 'its critics are of other knobs';
  }
}

function* illegal({ space }: TuningProblem, values: Values, what: string): Generator<string> {
  const checked = space.check(values);
  if (!checked.ok) {
    yield `${what} is illegal: ${checked.violations.map(({ message }) => message).join(' ')}`;
  }
}
