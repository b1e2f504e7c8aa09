/** Names in Envoy: clusters, files and the types of its API. */

/** `SERVICE.SUBSET`; neither has a dot, so the metrics' labels can be told apart. */
export function clusterName(service: string, subset: string): string {
  return `${service}.${subset}`;
}

/** The one route configuration of an environment. */
export const ROUTE_CONFIGURATION = 'routes';
/** Stat prefix and name of the one listener. */
export const LISTENER = 'entry';

export const LDS_FILE = 'lds.json';
export const CDS_FILE = 'cds.json';
export const RDS_FILE = 'rds.json';
/** File of one cluster's endpoints. */
export function edsFile(cluster: string): string {
  return `eds-${cluster}.json`;
}

/** `@type` of an Envoy API message. */
export function typeUrl(name: string): string {
  return `type.googleapis.com/envoy.${name}`;
}

/** A protobuf duration, exact to the millisecond. */
export function duration(milliseconds: number): string {
  return `${milliseconds / 1000}s`;
}

/** A JSON object of Envoy's API. */
export type Message = Readonly<Record<string, unknown>>;
