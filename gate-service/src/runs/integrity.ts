/** Checks that decide, blind to the effect, whether a measurement can be judged. */
import type { ArmName, Sample } from '../load/sample.ts';
import type { ArmObservation } from '../platforms/platform.ts';
import type { ComparedArm } from './compared.ts';

type Observations = readonly ArmObservation[];

/**
 * What makes a measurement worthless, in words; empty when nothing does: a node that was started
 * again meanwhile or does not answer, a proxy that has counted fewer requests to a node than this
 * has answered (it was started again, or the requests went past it), an answer of a node that is none
 * of its arm's (of the reference's for the planted block), or a good one of which no node is known.
 */
export function integrityProblems(
  arms: readonly ComparedArm[],
  before: Observations,
  after: Observations,
  samples: readonly Sample[],
): readonly string[] {
  const problems: string[] = [];
  for (const { name, arm } of arms) {
    for (const node of arm.nodes) {
      const from = startsOf(before, arm.id, node.name);
      const to = startsOf(after, arm.id, node.name);
      if (from === undefined || to === undefined) {
        problems.push(`node ${node.name} of the ${name} does not answer`);
      } else if (from !== to) {
        problems.push(`a component of node ${node.name} (${name}) was started again meanwhile`);
      }
    }
  }
  return [
    ...problems,
    ...shared(arms),
    ...uncounted(arms, before, after, samples),
    ...misrouted(arms, samples),
    ...nameless(samples),
  ];
}

function uncounted(
  arms: readonly ComparedArm[],
  before: Observations,
  after: Observations,
  samples: readonly Sample[],
): readonly string[] {
  const answered = new Map<string, number>();
  for (const { launch } of samples) answered.set(launch, (answered.get(launch) ?? 0) + 1);
  const gaps = arms.flatMap(({ arm }) =>
    arm.nodes.flatMap(({ name }) => {
      const from = nodeOf(before, arm.id, name)?.requestsTotal ?? 0;
      const counted = (nodeOf(after, arm.id, name)?.requestsTotal ?? 0) - from;
      const own = answered.get(name) ?? 0;
      return counted < own ? [`${name} answered ${own}, the proxy counts ${counted}`] : [];
    }),
  );
  return gaps.length === 0
    ? []
    : [`the proxy has not seen all requests, as if it was started again: ${gaps.join(', ')}`];
}

function misrouted(arms: readonly ComparedArm[], samples: readonly Sample[]): readonly string[] {
  const nodes = new Map<ArmName, ReadonlySet<string>>(
    arms.map(({ name, arm }) => [name, new Set(arm.nodes.map((node) => node.name))]),
  );
  const reference = arms[0] && nodes.get(arms[0].name);
  if (reference !== undefined) nodes.set('planted', reference);
  const wrong = samples.filter(
    (sample) => sample.launch !== '-' && nodes.get(sample.arm)?.has(sample.launch) !== true,
  );
  const [first] = wrong;
  return first === undefined
    ? []
    : [
        `${wrong.length} requests were answered by nodes of another arm (e.g. ${first.launch} for the ${first.arm})`,
      ];
}

/** Samples of a node that stands in two arms say nothing about either; one arm under two names may. */
function shared(arms: readonly ComparedArm[]): readonly string[] {
  const owners = new Map<string, string>();
  return arms.flatMap(({ arm }) =>
    arm.nodes.flatMap(({ name }) => {
      const owner = owners.get(name) ?? arm.id;
      owners.set(name, owner);
      return owner === arm.id ? [] : [`node ${name} stands in two arms, ${owner} and ${arm.id}`];
    }),
  );
}

/**
 * Nodes name themselves in every answer that they give. What carries no name was answered by something
 * else, such as a cache or an error page, and may have met either arm.
 */
function nameless(samples: readonly Sample[]): readonly string[] {
  const count = samples.filter(({ launch, status }) => launch === '-' && status === 'ok').length;
  return count === 0
    ? []
    : [`${count} good answers came from no node that named itself: what answered is not known`];
}

function nodeOf(
  observations: Observations,
  armId: string,
  name: string,
): ArmObservation['nodes'][number] | undefined {
  return observations
    .find((observation) => observation.arm.id === armId)
    ?.nodes.find((node) => node.name === name);
}

/** How often a node's components were started; the agent itself may have been replaced without harm. */
export function startsOf(
  observations: Observations,
  armId: string,
  name: string,
): string | undefined {
  const status = nodeOf(observations, armId, name)?.status;
  if (status?.httpd === undefined || status.jetty === undefined) return undefined;
  const { httpd, jetty } = status;
  return [httpd.usage.pid, httpd.usage.restarts, jetty.usage.pid, jetty.usage.restarts].join('/');
}
