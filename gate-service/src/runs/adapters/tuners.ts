/** Tuning on this stack: the optimizer proposes what the expert policy would set, where there is something to win. */
import { pairedEffects } from '../../judge/effects.ts';
import type { Measurement } from '../../load/sample.ts';
import { createOptimizer } from '../../optimizer/challenge.ts';
import type { Proposal } from '../../optimizer/optimizer.ts';
import type { StackConfiguration } from '../../stack/configuration.ts';
import { requireStackConfiguration } from '../../stack/configuration.ts';
import { expertConfiguration } from '../../stack/expert.ts';
import { findHeadroom } from '../../stack/headroom.ts';
import type { NodeResources } from '../../stack/resources.ts';
import type { Tuner, TuningBudget, TuningFacts, Tuners } from '../ports.ts';
import { nodeTelemetry } from './node-telemetry.ts';

/** The first one is to be won, the others must not get worse. Per cent of the quantile. */
const OBJECTIVES = [95, 50] as const;
const ARMS = { reference: 'candidate', subject: 'challenger' } as const;

export function stackTuners(resources: NodeResources): Tuners {
  return { create: (incumbent, facts) => stackTuner(resources, incumbent, facts) };
}

function stackTuner(
  resources: NodeResources,
  incumbent: StackConfiguration,
  facts: TuningFacts,
): Tuner {
  const telemetry = nodeTelemetry(facts);
  const headroom = findHeadroom(telemetry, incumbent);
  const expert = expertConfiguration(telemetry, resources, incumbent);
  const priors: readonly Proposal[] =
    expert.configuration.hash === incumbent.hash
      ? []
      : [
          {
            id: expert.configuration.hash,
            values: expert.configuration.values,
            source: 'expert',
            reason: 'the expert policy has a configuration for this load',
          },
        ];
  const optimizer = createOptimizer({ priors });
  return {
    ask(budget: TuningBudget) {
      const { proposal, sentence } = optimizer.ask({
        incumbent: incumbent.values,
        somethingToWin: { yes: headroom.exists, reason: headroom.reason.replace(/\.$/, '') },
        ...budget,
      });
      if (proposal === undefined) return { kind: 'none', sentence };
      const configuration = requireStackConfiguration(proposal.values, resources);
      return { kind: 'proposal', configuration, sentence };
    },
    tell: (configuration, measurement) => tell(optimizer, configuration, measurement),
  };
}

function tell(
  optimizer: ReturnType<typeof createOptimizer>,
  configuration: StackConfiguration,
  measurement: Measurement,
): ReturnType<Tuner['tell']> {
  const effects = OBJECTIVES.map((percent) => pairedEffects(measurement, ARMS, percent));
  const [first] = effects;
  const none = { hits: 0, total: 0 };
  const aborted =
    effects.find(({ unsound }) => unsound !== undefined)?.unsound ??
    (measurement.steady === false ? 'the comparison never became steady' : undefined);
  const { adopted, sentence } = optimizer.tell({
    proposalId: configuration.hash,
    objectives: effects.map(({ logRatios }, index) => ({
      name: `p${String(OBJECTIVES[index])}`,
      logRatios,
    })),
    failures: {
      challenger: first?.failures.subject ?? none,
      incumbent: first?.failures.reference ?? none,
    },
    ...(aborted === undefined ? {} : { aborted }),
  });
  return { adopted, sentence };
}
