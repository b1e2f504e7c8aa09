/** Waiting until every proxy of the gateways is seen to do what a plan says. */
import { differences } from '../../../mesh/effect/differences.ts';
import { istioSubset } from '../../../mesh/effect/names.ts';
import { trafficOfDump, type Dump } from '../../../mesh/effect/of-dump.ts';
import { trafficOfPlan } from '../../../mesh/effect/of-plan.ts';
import type { SubsetTreatment, Traffic } from '../../../mesh/effect/traffic.ts';
import type { IstioPlacement } from '../../../mesh/istio/resources.ts';
import type { MeshPlan } from '../../../mesh/plan.ts';
import { PlatformError } from '../../platform.ts';
import type { GatewayPod, Proxies, ProxyLook } from './proxies.ts';

/**
 * What a proxy must be seen to have: what becomes of requests and no more, the plan's subsets (others may be there,
 * too), its routes with them, or both and nothing else.
 */
export type Part = 'requests' | 'subsets' | 'routes' | 'all';

/** Why a look does not show the plan yet; `undefined` when it does. */
export type Judge = (look: ProxyLook) => string | undefined;

/** Judges looks by a plan. */
export function judgeOf(plan: MeshPlan, placement: IstioPlacement, part: Part): Judge {
  const wanted = partOf(trafficOfPlan(plan), part, placement);
  return ({ dump, outstanding }) => {
    const seen = partOf(trafficIn(dump, plan, placement), part, placement, wanted);
    const [first, ...rest] = differences(wanted, seen);
    if (first !== undefined) return rest.length > 0 ? `${first} (and ${rest.length} more)` : first;
    return outstanding;
  };
}

/** What a proxy does with the requests and subsets of the plan's services. */
export function trafficIn(dump: Dump, plan: MeshPlan, placement: IstioPlacement): Traffic {
  return trafficOfDump(dump, plan, istioSubset(placement.namespace));
}

export interface SeenOptions {
  readonly proxies: Proxies;
  /** The pods to be seen, found anew at each look: gateways are replaced, too. */
  readonly pods: () => Promise<readonly GatewayPod[]>;
  readonly timeoutMs: number;
  readonly everyMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Resolves with the last looks when all proxies satisfy the judge.
 * @throws PlatformError `route-not-seen` when they do not in time; the signal's reason when aborted
 */
export async function untilSeen(
  judge: Judge,
  { proxies, pods, timeoutMs, everyMs, signal }: SeenOptions,
): Promise<readonly ProxyLook[]> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    signal?.throwIfAborted();
    let missing: string;
    try {
      const looks = await proxies.look(await pods(), signal);
      const lacking = looks.flatMap((look) => {
        const why = judge(look);
        return why === undefined ? [] : [`${look.proxy}: ${why}`];
      });
      if (lacking.length === 0) return looks;
      missing = lacking.join(' ');
    } catch (error) {
      signal?.throwIfAborted();
      missing = error instanceof Error ? error.message : String(error);
    }
    if (performance.now() >= until) {
      throw new PlatformError(
        'route-not-seen',
        `Not every proxy was seen to have it after ${timeoutMs / 1000} s. ${missing}`,
      );
    }
    await pause(everyMs, signal);
  }
}

/** The same of every probe and subset as the part asks for. */
function partOf(
  traffic: Traffic,
  part: Part,
  placement: IstioPlacement,
  wanted?: Traffic,
): Traffic {
  // A host of nobody's is none of the plan's matter on gateways that others use as well.
  const requests = Object.entries(traffic.requests).filter(([name]) => name !== 'nobody.invalid');
  const subsets = (part === 'requests' ? [] : Object.entries(traffic.subsets))
    .filter(([name]) => part === 'all' || wanted === undefined || name in wanted.subsets)
    .map(([name, one]) => [name, comparable(one, placement, wanted?.subsets[name])]);
  return {
    requests: part === 'subsets' ? {} : Object.fromEntries(requests),
    subsets: Object.fromEntries(subsets) as Traffic['subsets'],
  };
}

/**
 * Pods come and go without the plan: that as many are there as it has counts, not which ones. More
 * may be, while one that ends is still listed beside its successor.
 */
function comparable(
  one: SubsetTreatment,
  { endpoints: { kind } }: IstioPlacement,
  wanted?: SubsetTreatment,
): SubsetTreatment {
  if (kind === 'listed') return one;
  const least = wanted?.endpoints.length ?? one.endpoints.length;
  const count = Math.min(one.endpoints.length, least);
  const endpoints = Array.from({ length: count }, (_, index) => ({
    address: `pod ${index + 1}`,
    weight: 1,
  }));
  return { ...one, endpoints };
}

function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => {
      clearTimeout(timer);
      reject(signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', aborted);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', aborted, { once: true });
  });
}
