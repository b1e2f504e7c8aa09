/** A swap plan as a platform carries it out: what the mesh takes, and what the agents are told in one call. Pure. */
import type { StackConfiguration } from '../stack/configuration.ts';
import type { SwapPlan, SwapWay } from '../stack/swap-plan.ts';

export type NodeWay = Exclude<SwapWay, 'none'>;

export type Stage =
  | {
      readonly target: 'mesh';
      readonly values: Readonly<Record<string, number | boolean | string>>;
    }
  | { readonly target: 'nodes'; readonly way: NodeWay };

const IDLE = 'mesh.idleTimeout';

/** The plan's steps as the platform takes them: the agent's own steps are one call to it. */
export function stagesOf(
  plan: SwapPlan,
  from: StackConfiguration,
  to: StackConfiguration,
): readonly Stage[] {
  const stages: Stage[] = [];
  const knobs = to.values as Readonly<Record<string, number | boolean | string>>;
  for (const step of plan.steps) {
    const last = stages.at(-1);
    if (step.target === 'mesh') {
      const values = Object.fromEntries(step.knobs.map((name) => [name, knobs[name] ?? 0]));
      stages.push({ target: 'mesh', values });
    } else if (last?.target === 'nodes') {
      stages[stages.length - 1] = { target: 'nodes', way: dearerOf(last.way, step.way) };
    } else {
      stages.push({ target: 'nodes', way: step.way });
    }
    if (step.target === 'node' && step.knobs.some((name) => name.startsWith('mesh.'))) {
      // Old and new nodes need different meshes: while both serve, the idle time that suits both.
      const both = Math.min(from.values[IDLE], to.values[IDLE]);
      const own = Object.entries(knobs).filter(([name]) => name.startsWith('mesh.'));
      stages.splice(-1, 0, { target: 'mesh', values: { [IDLE]: both } });
      stages.push({ target: 'mesh', values: Object.fromEntries(own) });
    }
  }
  // The agents keep the whole configuration, also where only the mesh changes.
  if (!stages.some(({ target }) => target === 'nodes'))
    stages.push({ target: 'nodes', way: 'live' });
  return stages;
}

function dearerOf(one: NodeWay, other: NodeWay): NodeWay {
  const order = ['live', 'route', 'graceful', 'replace'] as const;
  return order.indexOf(one) >= order.indexOf(other) ? one : other;
}
