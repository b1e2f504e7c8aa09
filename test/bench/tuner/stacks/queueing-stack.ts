/** A simulated stack made of the queueing model, a workload, a machine and an expert's rules. */
import { bindSpace } from '../../../../gate-service/src/optimizer/space/bound-space.ts';
import type { Values } from '../../../../gate-service/src/optimizer/space/bound-space.ts';
import { createKnobSpace } from '../../../../gate-service/src/optimizer/space/knob-space.ts';
import { KNOBS, poolsOf } from './knobs.ts';
import { stateOf } from './queueing.ts';
import type { Machine, Workload } from './queueing.ts';
import { COLLAPSE } from './stack.ts';
import type { Noise, SimulatedStack } from './stack.ts';

type KnobName = keyof typeof KNOBS;

export interface QueueingDefinition {
  readonly name: string;
  readonly summary: string;
  readonly knobs: readonly KnobName[];
  readonly workload: Workload;
  readonly machine: Machine;
  readonly noise: Noise;
  readonly start: Values;
}

export const ERRORS_MAX = 0.006;
export const MEMORY_MAX = 0.97;

/** @throws RangeError when the expert's configuration is illegal */
export function queueingStack(definition: QueueingDefinition): SimulatedStack {
  const { name, summary, workload, machine, noise, start } = definition;
  const knobs = Object.fromEntries(definition.knobs.map((knob) => [knob, KNOBS[knob]]));
  const space = bindSpace(
    createKnobSpace({
      knobs,
      constraints: [
        {
          name: 'pool-within-child',
          holds: (values) => poolsOf(values).proxyMax <= poolsOf(values).threadsPerChild,
          message: (values) => {
            const { proxyMax, threadsPerChild } = poolsOf(values);
            return `proxyMax (${proxyMax}) must not exceed threadsPerChild (${threadsPerChild}): a process cannot use more.`;
          },
        },
      ],
    }),
    undefined,
  );
  const raw = (values: Values) => stateOf(poolsOf(values), workload, machine);
  const checked = (values: Values): Values => {
    const result = space.check(values);
    if (result.ok) return result.values;
    throw new RangeError(result.violations.map(({ message }) => message).join(' '));
  };
  const limit = raw(checked(start)).seconds * COLLAPSE;
  const { load } = workload;
  return {
    name,
    summary,
    space,
    start: checked(start),
    limits: [
      { metric: 'errors', max: ERRORS_MAX },
      { metric: 'memory', max: MEMORY_MAX },
    ],
    context: {
      logRate: Math.log(load.kind === 'open' ? load.perSecond : load.connections),
      logBackendMs: Math.log(workload.backendSeconds * 1000),
      logCpuMs: Math.log(workload.cpuSeconds * 1000),
      logAnswerKiB: Math.log(workload.answerKiB),
    },
    noise,
    truth(values) {
      const { seconds, errors, memory, cpu } = raw(checked(values));
      return {
        value: seconds * 1000,
        metrics: { errors, memory, cpu },
        unsafe: errors > ERRORS_MAX || memory > MEMORY_MAX || seconds > limit,
      };
    },
  };
}
