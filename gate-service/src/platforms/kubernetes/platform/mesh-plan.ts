/** The mesh plan of one service in one environment, from its arms and its routes. Pure. */
import {
  measurementPolicyOf,
  routePolicyOf,
  trafficPolicyOf,
  type MeshKnobValues,
} from '../../../mesh/knob-policy.ts';
import type { Endpoint, Environment, MeshPlan } from '../../../mesh/plan.ts';
import { withFormerValues } from '../../../stack/added-knobs.ts';
import type { Routes } from './routes.ts';

/** An arm as the mesh sees it. */
export interface MeshArm {
  readonly id: string;
  readonly healthPath: string;
  /** The service's hosts when it was deployed. */
  readonly hosts: readonly string[];
  /** Knobs that the mesh has or is to have; validated before they were stored, maybe by an older version. */
  readonly meshValues: Readonly<Record<string, number | boolean | string>>;
  readonly endpoints: readonly Endpoint[];
}

export interface PlannedService {
  readonly environment: Environment;
  readonly service: string;
  /** Hosts of the environment, where the catalogue names some; the arms' own otherwise. */
  readonly hosts: readonly string[] | undefined;
  readonly arms: readonly MeshArm[];
  readonly routes: Routes;
}

/**
 * Every arm is a subset named by its id. Deadlines and retries of production are those of the arm with the
 * most weight; measurement routes never try again.
 */
export function planOf({ arms, environment, hosts, routes, service }: PlannedService): MeshPlan {
  const weights = environment === 'production' ? presentWeights(routes, arms) : [];
  const heaviest = weights.toSorted((one, other) => other.weight - one.weight)[0];
  // What production answers to is said by the arm that answers, not by one that is being brought up.
  const leading = arms.find(({ id }) => id === heaviest?.armId) ?? arms.at(-1);
  return {
    environment,
    services: [
      {
        name: service,
        hosts: hosts ?? leading?.hosts ?? [],
        healthPath: leading?.healthPath ?? '/',
        subsets: arms.map((arm) => ({
          name: arm.id,
          policy: trafficPolicyOf(knobsOf(arm)),
          endpoints: arm.endpoints,
          byLabel: true,
        })),
        armRoutes:
          environment === 'staging'
            ? routes.arms.flatMap(({ armId, headerValue, plantedDelayMs }) => {
                const arm = arms.find(({ id }) => id === armId);
                if (arm === undefined) return [];
                const planted = plantedDelayMs === undefined ? {} : { plantedDelayMs };
                const policy = measurementPolicyOf(knobsOf(arm));
                return [{ headerValue, subset: armId, ...policy, ...planted }];
              })
            : [],
        ...(leading !== undefined &&
          weights.length > 0 && {
            defaultRoute: {
              ...routePolicyOf(knobsOf(leading)),
              weights: weights.map(({ armId, weight }) => ({ subset: armId, weight })),
            },
          }),
      },
    ],
  };
}

/**
 * The weights of the arms that are there. The share of one that somebody has deleted goes to the heaviest
 * of the others: its requests would all fail.
 */
export function presentWeights(
  { weights }: Pick<Routes, 'weights'>,
  arms: readonly Pick<MeshArm, 'id'>[],
): Routes['weights'] {
  const known = new Set(arms.map(({ id }) => id));
  const present = weights.filter(({ armId, weight }) => known.has(armId) && weight > 0);
  const lost = 100 - present.reduce((sum, { weight }) => sum + weight, 0);
  const heaviest = present.toSorted((one, other) => other.weight - one.weight)[0];
  return present.map((one) => (one === heaviest ? { ...one, weight: one.weight + lost } : one));
}

function knobsOf({ meshValues }: MeshArm): MeshKnobValues {
  return withFormerValues(meshValues) as MeshKnobValues;
}
