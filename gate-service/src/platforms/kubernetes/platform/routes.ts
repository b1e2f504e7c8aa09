/** The gate's routes of a service, read back from the VirtualService that has them: the cluster is the state. Pure. */
import { z } from 'zod';
import { isOwn, millisecondsOf } from '../../../mesh/istio/check.ts';
import { ARM_HEADER, PLANTED_HEADER } from '../../../mesh/plan.ts';
import type { KubernetesObject } from '../client/objects.ts';
import { listIn, specOf } from '../mesh/own-object.ts';

export interface ArmOfHeader {
  readonly headerValue: string;
  readonly armId: string;
  readonly plantedDelayMs?: number;
}

export interface Routes {
  /** Staging: arms by header. */
  readonly arms: readonly ArmOfHeader[];
  /** Production: whole-number weights; those of 0 are left out. */
  readonly weights: readonly { readonly armId: string; readonly weight: number }[];
}

export const NO_ROUTES: Routes = { arms: [], weights: [] };

const routeSchema = z.looseObject({
  match: z
    .array(
      z.looseObject({
        headers: z.record(z.string(), z.looseObject({ exact: z.string().optional() })).default({}),
      }),
    )
    .default([]),
  fault: z.looseObject({ delay: z.looseObject({ fixedDelay: z.string() }).optional() }).optional(),
  route: z
    .array(
      z.looseObject({
        destination: z.looseObject({ subset: z.string() }),
        weight: z.int().optional(),
      }),
    )
    .default([]),
});

/**
 * Routes of others in an adopted VirtualService are not looked at.
 * @param virtualService absent: nothing is routed
 * @throws ZodError when a route of the gate's own was changed into something else
 */
export function routesOf(virtualService: KubernetesObject | undefined): Routes {
  const own = listIn(specOf(virtualService), 'http')
    .filter(isOwn)
    .map((one) => routeSchema.parse(one));
  const marked = own.flatMap(({ fault, match: [match], route: [first] }) => {
    const headerValue = match?.headers[ARM_HEADER]?.exact;
    if (headerValue === undefined || first === undefined) return [];
    const asked = match?.headers[PLANTED_HEADER] !== undefined;
    const delay = asked ? millisecondsOf(fault?.delay?.fixedDelay) : undefined;
    return [{ headerValue, armId: first.destination.subset, asked, delay }];
  });
  return {
    arms: marked
      .filter(({ asked }) => !asked)
      .map(({ armId, headerValue }) => {
        const delay = marked.find((one) => one.asked && one.headerValue === headerValue)?.delay;
        return { headerValue, armId, ...(delay !== undefined && { plantedDelayMs: delay }) };
      }),
    weights: own
      .filter(({ match }) => match.length === 0)
      .flatMap(({ route }) =>
        route.map(({ destination, weight }) => ({
          armId: destination.subset,
          // A single destination needs no weight, and the API server drops one of 0.
          weight: weight ?? (route.length === 1 ? 100 : 0),
        })),
      )
      .filter(({ weight }) => weight > 0),
  };
}

/** Without those to an arm; a planted delay goes with its arm. */
export function withoutArm(routes: Routes, armId: string): Routes {
  return {
    arms: routes.arms.filter((one) => one.armId !== armId),
    weights: routes.weights.filter((one) => one.armId !== armId),
  };
}
