/** The mesh plan of an environment as the platform's state wants it. Pure. */
import {
  measurementPolicyOf,
  routePolicyOf,
  trafficPolicyOf,
  type MeshKnobValues,
} from '../../mesh/knob-policy.ts';
import type {
  ArmRoute,
  DefaultRoute,
  Environment,
  MeshPlan,
  MeshService,
  Subset,
} from '../../mesh/plan.ts';
import { withFormerValues } from '../../stack/added-knobs.ts';
import type { ArmState, PlatformState } from './state.ts';

const LOOPBACK = '127.0.0.1';

/** Every arm with nodes in the mesh is a subset named by its id; routes come from the state's routing. */
export function planOfState(state: PlatformState, environment: Environment): MeshPlan {
  const arms = state.arms.filter((arm) => arm.environment === environment && hasEndpoints(arm));
  const names = [...new Set(arms.map((arm) => arm.service.name))];
  return {
    environment,
    services: names.map((name) =>
      serviceOf(
        state,
        environment,
        arms.filter((arm) => arm.service.name === name),
        name,
      ),
    ),
  };
}

function serviceOf(
  state: PlatformState,
  environment: Environment,
  arms: readonly ArmState[],
  name: string,
): MeshService {
  const weights = environment === 'production' ? (state.production[name] ?? []) : [];
  // What production answers to is said by the arm that answers, not by one that is being brought up.
  const heaviest = weights.toSorted((one, other) => other.weight - one.weight)[0];
  const leading = arms.find((arm) => arm.id === heaviest?.armId) ?? arms.at(-1);
  const defaultRoute = leading && defaultRouteOf(leading, weights);
  return {
    name,
    hosts: leading?.service.hosts ?? [],
    healthPath: leading?.service.healthPath ?? '/',
    subsets: arms.map(subsetOf),
    armRoutes: environment === 'staging' ? armRoutesOf(state, arms, name) : [],
    ...(defaultRoute && { defaultRoute }),
  };
}

function subsetOf(arm: ArmState): Subset {
  return {
    name: arm.id,
    policy: trafficPolicyOf(meshKnobsOf(arm)),
    // Without weights: nodes that share one machine are equally fast, whatever mesh.nodeWeighting says.
    endpoints: arm.nodes
      .filter(({ phase }) => phase === 'joining' || phase === 'present')
      .map(({ name, ports, draining }) => ({
        node: name,
        address: LOOPBACK,
        port: ports.httpd,
        draining,
      })),
  };
}

function armRoutesOf(state: PlatformState, arms: readonly ArmState[], name: string): ArmRoute[] {
  const routing = state.measurement[name];
  return (routing?.arms ?? []).flatMap(({ headerValue, armId }) => {
    const arm = arms.find((one) => one.id === armId);
    if (arm === undefined) return [];
    const planted = routing?.planted;
    return [
      {
        headerValue,
        subset: armId,
        ...measurementPolicyOf(meshKnobsOf(arm)),
        ...(planted?.headerValue === headerValue && { plantedDelayMs: planted.delayMs }),
      },
    ];
  });
}

/** Deadlines and retries are those of the arm with the most weight: a canary takes its own with it at 50 %. */
function defaultRouteOf(
  leading: ArmState,
  weights: readonly { readonly armId: string; readonly weight: number }[],
): DefaultRoute | undefined {
  if (weights.length === 0) return undefined;
  return {
    ...routePolicyOf(meshKnobsOf(leading)),
    weights: weights.map(({ armId, weight }) => ({ subset: armId, weight })),
  };
}

function hasEndpoints(arm: ArmState): boolean {
  return arm.nodes.some(({ phase }) => phase === 'joining' || phase === 'present');
}

/** The values were validated before they were stored (see `configurationOf`), maybe by an older version. */
function meshKnobsOf(arm: ArmState): MeshKnobValues {
  return withFormerValues(arm.meshValues) as MeshKnobValues;
}
