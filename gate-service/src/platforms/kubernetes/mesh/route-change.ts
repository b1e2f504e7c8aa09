/** Where a service's routes are written: a VirtualService of the gate's own, or one that it adopted. */
import {
  ADOPT_FROM,
  ADOPT_ROUTE,
  ADOPTED,
  type Adopted,
  AdoptionError,
  routeToTakeOver,
  withFormerRoute,
  withOwnRoutes,
} from '../../../mesh/istio/adoption.ts';
import type { IstioObject } from '../../../mesh/istio/check.ts';
import type { IstioResource } from '../../../mesh/istio/resources.ts';
import type { HttpRoute } from '../../../mesh/istio/virtual-service.ts';
import { PlatformError } from '../../platform.ts';
import { FIELD_MANAGER, type KubernetesClient } from '../client/client.ts';
import { KubernetesError } from '../client/errors.ts';
import type { KubernetesObject } from '../client/objects.ts';
import { ISTIO_KINDS } from './kinds.ts';
import { applyOwn, deleteOwn, findOwn, listIn, specOf, WRITE_PATIENCE_MS } from './own-object.ts';
import { handOver, routeOwners, type Owner } from './ownership.ts';

const VIRTUAL_SERVICE = ISTIO_KINDS.VirtualService;
const API_VERSION = VIRTUAL_SERVICE.apiVersion;
const GATE: Owner = { manager: FIELD_MANAGER, operation: 'Apply', apiVersion: API_VERSION };
/** How often a write is made anew because another field of the object changed meanwhile. */
const ATTEMPTS = 5;
const WRITE = { patienceMs: WRITE_PATIENCE_MS } as const;

/** A change of routes that is ready to be made. */
export interface RouteChange {
  /** The VirtualService as it will be, for the check before anything is written. */
  readonly outcome: IstioObject;
  apply(): Promise<void>;
  /** Puts the routes back as they were when the change was prepared. */
  undo(): Promise<void>;
}

/** The gate's own VirtualService. @throws PlatformError `refused` when another one has its name */
export async function ownRouteChange(
  client: KubernetesClient,
  wanted: IstioResource,
): Promise<RouteChange> {
  const before = await findOwn(client, wanted);
  return {
    outcome: wanted,
    apply: async () => {
      await applyOwn(client, wanted);
    },
    undo: async () => {
      const { name, namespace } = wanted.metadata;
      if (before === undefined) await deleteOwn(client, 'VirtualService', namespace, name);
      else await applyOwn(client, { ...wanted, spec: specOf(before) });
    },
  };
}

/**
 * The gate's routes within a VirtualService of somebody else's. `undefined` where nothing of it was taken yet and no
 * arm is to be routed to: what its owner wrote goes on serving until one is.
 * @throws PlatformError `refused` when it is not there or its owner has not let the gate have it
 */
export async function adoptedRouteChange(
  client: KubernetesClient,
  name: string,
  wanted: IstioResource,
): Promise<RouteChange | undefined> {
  const place = { kind: VIRTUAL_SERVICE, namespace: wanted.metadata.namespace, name };
  const present = await read(client, place);
  const own = listIn(wanted.spec, 'http') as readonly HttpRoute[];
  const former = adoptionOf(present);
  const taken = former ?? consented(present);
  requireSameEntry(present, wanted);
  if (former === undefined && own.every(({ route }) => route === undefined)) return undefined;
  const before = listIn(specOf(present), 'http');
  const write = (make: (routes: readonly Fields[]) => readonly Fields[]): Promise<void> =>
    writeRoutes(client, place, taken, make);
  return {
    outcome: {
      kind: 'VirtualService',
      metadata: present.metadata,
      spec: { ...specOf(present), http: withOwnRoutes(before, own, taken.route) },
    },
    apply: () => write((routes) => withOwnRoutes(routes, own, taken.route)),
    undo: () => write(() => before),
  };
}

/** Gives an adopted VirtualService back: the former route, its former owners, no mark of the gate's. */
export async function giveBack(
  client: KubernetesClient,
  namespace: string,
  name: string,
): Promise<void> {
  const place = { kind: VIRTUAL_SERVICE, namespace, name };
  const present = await client.find(place);
  const taken = present === undefined ? undefined : adoptionOf(present);
  if (taken === undefined) return;
  await writeRoutes(client, place, taken, (routes) => withFormerRoute(routes, taken.route));
  await client.patchJson(place, handOver(await read(client, place), taken.from), WRITE);
  // What the gate applied and no longer says goes away: the annotation. The routes are not its any more.
  await client.apply(
    VIRTUAL_SERVICE,
    { apiVersion: API_VERSION, kind: VIRTUAL_SERVICE.kind, metadata: { name, namespace } },
    WRITE,
  );
}

type Fields = Readonly<Record<string, unknown>>;
interface Place {
  readonly kind: typeof VIRTUAL_SERVICE;
  readonly namespace: string;
  readonly name: string;
}

/** Reads, makes the new list and applies it to that very version; never by force. */
async function writeRoutes(
  client: KubernetesClient,
  place: Place,
  taken: Adopted,
  make: (routes: readonly Fields[]) => readonly Fields[],
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      let present = await read(client, place);
      if (adoptionOf(present) === undefined) {
        consented(present);
        present = await client.patchJson(place, handOver(present, [GATE]), WRITE);
      }
      const http = make(listIn(specOf(present), 'http'));
      await client.apply(
        VIRTUAL_SERVICE,
        {
          apiVersion: API_VERSION,
          kind: VIRTUAL_SERVICE.kind,
          metadata: {
            name: place.name,
            namespace: place.namespace,
            resourceVersion: present.metadata.resourceVersion,
            annotations: { [ADOPTED]: JSON.stringify(taken) },
          },
          spec: { http },
        },
        WRITE,
      );
      return;
    } catch (error) {
      // A conflict without owners: the object is another version by now.
      const changed =
        error instanceof KubernetesError &&
        error.failure === 'conflict' &&
        error.conflicts.length === 0;
      if (!changed || attempt >= ATTEMPTS) throw error;
    }
  }
}

async function read(client: KubernetesClient, place: Place): Promise<KubernetesObject> {
  const found = await client.find(place);
  if (found !== undefined) return found;
  throw new PlatformError(
    'refused',
    `There is no VirtualService ${place.namespace}/${place.name} to adopt. Make it, or leave it out of the service catalogue so that the gate makes its own.`,
  );
}

/** What the gate took over before; `undefined` when nothing yet. */
function adoptionOf({ metadata }: KubernetesObject): Adopted | undefined {
  const text = metadata.annotations?.[ADOPTED];
  return text === undefined ? undefined : (JSON.parse(text) as Adopted);
}

/** What its owner lets the gate take over. @throws AdoptionError when that does not cover all owners */
function consented(present: KubernetesObject): Adopted {
  const { name, namespace = '', annotations = {} } = present.metadata;
  const owners = routeOwners(present).filter((one) => one.manager !== FIELD_MANAGER);
  const names = [...new Set(owners.map((one) => String(one.manager)))];
  const consent = annotations[ADOPT_FROM]?.split(',').map((one) => one.trim());
  if (consent === undefined) {
    throw new AdoptionError(
      `VirtualService ${namespace}/${name} is not the gate's. Its owner lets the gate write its routes by the annotation ${ADOPT_FROM}: "${names.join(',')}".`,
    );
  }
  const left = names.filter((one) => !consent.includes(one));
  if (left.length > 0) {
    throw new AdoptionError(
      `VirtualService ${namespace}/${name}: .spec.http is owned by ${left.join(', ')}, too, which the annotation ${ADOPT_FROM} does not name.`,
    );
  }
  const routes = listIn(specOf(present), 'http');
  return { route: routeToTakeOver(routes, annotations[ADOPT_ROUTE]), from: owners };
}

/** An adopted VirtualService keeps its hosts and gateways; they have to be those of the plan. */
function requireSameEntry(present: KubernetesObject, wanted: IstioResource): void {
  const { namespace = '' } = present.metadata;
  for (const field of ['hosts', 'gateways']) {
    // A gateway without a namespace is one of the VirtualService's own.
    const has = texts(specOf(present)[field]).flatMap((one) => [one, `${namespace}/${one}`]);
    const lacking = texts(wanted.spec[field]).filter((one) => !has.includes(one));
    if (lacking.length === 0) continue;
    throw new AdoptionError(
      `VirtualService ${present.metadata.namespace ?? ''}/${present.metadata.name} lacks in spec.${field}: ${lacking.join(', ')}. The gate changes routes only; add them, or correct the service catalogue.`,
    );
  }
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
