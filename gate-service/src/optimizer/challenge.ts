/**
 * First form of the optimizer: tries the prior's proposals, each once and only where telemetry
 * shows something to win. No learning yet; what replaces it keeps the port.
 */
import { decideAdoption } from './adoption.ts';
import {
  UnknownProposalError,
  type Adoption,
  type Answer,
  type EvaluationResult,
  type Optimizer,
  type OptimizerState,
  type Proposal,
  type Values,
} from './optimizer.ts';

export interface ChallengeOptions {
  /** In the order in which to try them; the expert's configuration first. */
  readonly priors: readonly Proposal[];
  /** Chance that any challenger is adopted without being better. Default 0.025. */
  readonly alpha?: number;
}

/** @throws RangeError when two proposals have the same id */
export function createOptimizer(options: ChallengeOptions): Optimizer {
  const { priors, alpha = 0.025 } = options;
  const ids = new Set(priors.map(({ id }) => id));
  if (ids.size < priors.length) throw new RangeError('two proposals have the same id');
  // All proposals share the error: trying more must not make a lucky adoption likelier.
  const confidence = 1 - (2 * alpha) / Math.max(1, priors.length);
  const done = new Set<string>();
  let open: Proposal | undefined;

  function ask(state: OptimizerState): Answer {
    if (open !== undefined) {
      return { proposal: open, sentence: `still being tried: ${open.reason}` };
    }
    if (!state.somethingToWin.yes) {
      return { sentence: `nothing to tune: ${state.somethingToWin.reason}` };
    }
    if (!(state.evaluationsLeft >= 1)) return { sentence: 'no evaluation is left in the budget' };
    if (!(state.secondsLeft > 0 && state.secondsLeft >= (state.secondsPerEvaluation ?? 0))) {
      return { sentence: 'the time left in the budget is too short for an evaluation' };
    }
    const next = priors.find(
      ({ id, values }) => !done.has(id) && !sameValues(values, state.incumbent),
    );
    if (next === undefined) {
      return {
        sentence:
          done.size > 0
            ? 'every proposal was tried'
            : 'the configuration in force is the one that would be proposed',
      };
    }
    open = next;
    return { proposal: next, sentence: `${state.somethingToWin.reason}; ${next.reason}` };
  }

  function tell(result: EvaluationResult): Adoption {
    if (open?.id !== result.proposalId) {
      throw new UnknownProposalError(result.proposalId, open?.id);
    }
    done.add(open.id);
    open = undefined;
    return decideAdoption(result, confidence);
  }

  return { ask, tell };
}

function sameValues(one: Values, other: Values): boolean {
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length && names.every((name) => one[name] === other[name])
  );
}
