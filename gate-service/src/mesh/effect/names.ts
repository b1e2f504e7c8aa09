/** Which subset of the plan a cluster of Envoy's is, by its name. */

/** `SERVICE/SUBSET`, or `undefined` for a cluster that is none of the gate's. */
export type SubsetOfCluster = (cluster: string) => string | undefined;

/** Names of the local rendering: `SERVICE.SUBSET`. */
export const localSubset: SubsetOfCluster = (cluster) => {
  const [, service, subset] = /^([a-z0-9-]+)\.([a-z0-9-]+)$/.exec(cluster) ?? [];
  return service === undefined || subset === undefined ? undefined : `${service}/${subset}`;
};

/** Names that istiod gives in a namespace: `outbound|PORT|SUBSET|SERVICE.NAMESPACE.speed-gate.internal`. */
export function istioSubset(namespace: string): SubsetOfCluster {
  const tail = `.${namespace}.speed-gate.internal`;
  return (cluster) => {
    const [, subset, host] = /^outbound\|\d+\|([a-z0-9-]+)\|(.+)$/.exec(cluster) ?? [];
    if (subset === undefined || host?.endsWith(tail) !== true) return undefined;
    return `${host.slice(0, -tail.length)}/${subset}`;
  };
}
