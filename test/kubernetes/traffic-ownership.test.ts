/** Whose routes are whose: on the real API server, which keeps the books of every field's owner. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ADOPT_FROM, ADOPT_ROUTE, ADOPTED } from '../../gate-service/src/mesh/istio/adoption.ts';
import { renderIstio } from '../../gate-service/src/mesh/istio/render.ts';
import { gatewayNames, type IstioPlacement } from '../../gate-service/src/mesh/istio/resources.ts';
import { productionPlan } from '../../gate-service/src/mesh/plan-fixture.ts';
import { meshFailure } from '../../gate-service/src/platforms/kubernetes/mesh/failures.ts';
import { requireFreeHosts } from '../../gate-service/src/platforms/kubernetes/mesh/hosts.ts';
import { ISTIO_KINDS } from '../../gate-service/src/platforms/kubernetes/mesh/kinds.ts';
import { routeOwners } from '../../gate-service/src/platforms/kubernetes/mesh/ownership.ts';
import {
  adoptedRouteChange,
  giveBack,
  ownRouteChange,
  type RouteChange,
} from '../../gate-service/src/platforms/kubernetes/mesh/route-change.ts';
import type { KubernetesObject } from '../../gate-service/src/platforms/kubernetes/client/objects.ts';
import { PlatformError } from '../../gate-service/src/platforms/platform.ts';
import { IstioBed } from './support/istio-bed.ts';

const KIND = ISTIO_KINDS.VirtualService;
const TEAM = 'team-of-the-shop';
const plan = productionPlan();

let bed: IstioBed;
let placement: IstioPlacement;
beforeAll(async () => {
  bed = await IstioBed.create();
  placement = {
    namespace: bed.namespace,
    gateway: { kind: 'existing', names: ['edge/production'] },
    endpoints: { kind: 'listed' },
  };
});
afterAll(() => bed.dispose());

const api = {
  name: 'api',
  match: [{ uri: { prefix: '/api' } }],
  route: [{ destination: { host: 'api.example' } }],
};
const main = {
  name: 'main',
  rewrite: { uri: '/shop' },
  route: [{ destination: { host: 'shop' } }],
};

/** The VirtualService as the team writes it. */
async function teams(name: string, annotations: Record<string, string>, http: readonly object[]) {
  return bed.client.apply(
    KIND,
    {
      apiVersion: KIND.apiVersion,
      kind: KIND.kind,
      metadata: { name, namespace: bed.namespace, annotations, labels: { team: 'shop' } },
      spec: { hosts: plan.services[0]!.hosts, gateways: ['edge/production'], http },
    },
    { fieldManager: TEAM },
  );
}

const wanted = (weight = 95) => {
  const services = plan.services.map((service) => ({
    ...service,
    defaultRoute: {
      ...service.defaultRoute!,
      weights: [
        { subset: 'baseline-1', weight },
        { subset: 'candidate-2', weight: 100 - weight },
      ],
    },
  }));
  return renderIstio({ ...plan, services }, placement).find(
    ({ kind }) => kind === 'VirtualService',
  )!;
};

/** A change that writes routes of the gate's. */
async function adopting(name: string, resource = wanted()): Promise<RouteChange> {
  const change = await adoptedRouteChange(bed.client, name, resource);
  if (change === undefined) throw new Error(`VirtualService ${name} would be left alone`);
  return change;
}

const read = async (name: string): Promise<KubernetesObject> =>
  (await bed.client.find({ kind: KIND, namespace: bed.namespace, name }))!;
const specOf = (one: KubernetesObject) =>
  one.spec as { hosts: string[]; http: { name: string; route?: { weight: number }[] }[] };
const ownersOf = (one: KubernetesObject) => routeOwners(one).map(({ manager }) => manager);

/** Deleted, and no longer there on its way out. */
async function gone(name: string): Promise<void> {
  const place = { kind: KIND, namespace: bed.namespace, name };
  await bed.client.delete(place);
  await vi.waitFor(async () => {
    expect(await bed.client.find(place)).toBeUndefined();
  }, 60_000);
}

async function failureOf(work: () => Promise<unknown>): Promise<PlatformError> {
  const error = await work().then(
    () => undefined,
    (reason: unknown) => meshFailure(reason),
  );
  expect(error).toBeInstanceOf(PlatformError);
  return error as PlatformError;
}

describe('a VirtualService of somebody else’s', () => {
  it('is not touched without its owner’s word', async () => {
    const before = await teams('unasked', {}, [api, main]);
    const failure = await failureOf(() => adoptedRouteChange(bed.client, 'unasked', wanted()));
    expect(failure.failure).toBe('refused');
    expect(failure.message).toContain(`${ADOPT_FROM}: "${TEAM}"`);
    expect((await read('unasked')).metadata.resourceVersion).toBe(before.metadata.resourceVersion);
  });

  it.each<[string, Record<string, string>, string]>([
    ['another manager', { [ADOPT_FROM]: 'argocd' }, `owned by ${TEAM}`],
    ['no route', { [ADOPT_FROM]: TEAM }, 'must name one route'],
    ['a route with a match', { [ADOPT_FROM]: TEAM, [ADOPT_ROUTE]: 'api' }, 'chosen by a match'],
  ])('is refused where the annotations name %s', async (_, annotations, message) => {
    await teams('misnamed', annotations, [api, main]);
    const failure = await failureOf(() => adoptedRouteChange(bed.client, 'misnamed', wanted()));
    expect(failure.message).toContain(message);
    expect(ownersOf(await read('misnamed'))).toEqual([TEAM]);
    await gone('misnamed');
  });

  it('is adopted, written, told of and given back', async () => {
    const name = 'adopted';
    const former = await teams(name, { [ADOPT_FROM]: TEAM, [ADOPT_ROUTE]: 'main' }, [api, main]);
    const change = await adopting(name);
    expect((await read(name)).metadata.resourceVersion).toBe(former.metadata.resourceVersion);
    await change.apply();

    const adopted = await read(name);
    expect(specOf(adopted).http.map((one) => one.name)).toEqual(['api', 'speed-gate-default']);
    expect(specOf(adopted).http[0]).toEqual(api);
    expect(specOf(adopted).http[1]).toMatchObject({
      rewrite: { uri: '/shop' },
      route: [{ weight: 95 }, { weight: 5 }],
    });
    expect(adopted.metadata.labels).toEqual({ team: 'shop' });
    expect(specOf(adopted).hosts).toEqual(plan.services[0]!.hosts);
    expect(ownersOf(adopted)).toEqual(['speed-gate']);

    await (await adopting(name, wanted(50))).apply();
    expect(specOf(await read(name)).http[1]?.route?.map(({ weight }) => weight)).toEqual([50, 50]);

    // The team applies its old list again: told of a conflict, and nothing changes.
    await expect(
      teams(name, { [ADOPT_FROM]: TEAM, [ADOPT_ROUTE]: 'main' }, [api, main]),
    ).rejects.toMatchObject({ failure: 'conflict', conflicts: [{ manager: 'speed-gate' }] });

    const undoable = await adopting(name, wanted(0));
    await undoable.apply();
    await undoable.undo();
    expect(specOf(await read(name)).http[1]?.route?.map(({ weight }) => weight)).toEqual([50, 50]);

    await giveBack(bed.client, bed.namespace, name);
    const back = await read(name);
    expect(specOf(back)).toEqual(specOf(former));
    expect(ownersOf(back)).toEqual([TEAM]);
    expect(back.metadata.annotations).not.toHaveProperty([ADOPTED]);
    await teams(name, {}, [api]);
  });

  it('goes on serving by its owner’s route until an arm is to be routed to', async () => {
    const name = 'waiting';
    const services = structuredClone(plan.services);
    for (const service of services) Reflect.deleteProperty(service, 'defaultRoute');
    const nobody = renderIstio({ ...plan, services }, placement).find(
      ({ kind }) => kind === 'VirtualService',
    )!;
    const annotations = { [ADOPT_FROM]: TEAM, [ADOPT_ROUTE]: 'main' };
    await teams(name, annotations, [api, main]);
    expect(await adoptedRouteChange(bed.client, name, nobody)).toBeUndefined();
    await (await adopting(name)).apply();
    // Once taken, it is the gate's to say that nothing is routed.
    await (await adopting(name, nobody)).apply();
    expect(specOf(await read(name)).http[1]).toMatchObject({ directResponse: { status: 404 } });
    await gone(name);
  });

  it('is told of, not taken again, when its owner takes the routes back', async () => {
    const name = 'retaken';
    await teams(name, { [ADOPT_FROM]: TEAM }, [main]);
    await (await adopting(name)).apply();
    const http = JSON.stringify([{ ...main, timeout: '7s' }, ...specOf(await read(name)).http]);
    await bed.kubectl(
      'patch',
      'virtualservice',
      name,
      '--field-manager',
      TEAM,
      '--type',
      'merge',
      '-p',
      `{"spec":{"http":${http}}}`,
    );
    const before = await read(name);
    const failure = await failureOf(async () => {
      await (await adopting(name, wanted(50))).apply();
    });
    expect(failure.failure).toBe('refused');
    expect(failure.message).toContain(`.spec.http (owned by ${TEAM}`);
    expect((await read(name)).metadata.resourceVersion).toBe(before.metadata.resourceVersion);
  });

  it('keeps what somebody changes in other fields meanwhile', async () => {
    const name = 'busy';
    await teams(name, { [ADOPT_FROM]: TEAM }, [main]);
    const change = await adopting(name);
    const labelled = Array.from({ length: 5 }, (_, index) =>
      bed.kubectl('label', 'virtualservice', name, `n${index}=x`, '--field-manager', TEAM),
    );
    await Promise.all([change.apply(), ...labelled]);
    const now = await read(name);
    expect(Object.keys(now.metadata.labels ?? {})).toHaveLength(6);
    expect(ownersOf(now)).toEqual(['speed-gate']);
  });

  it('has to have the hosts and the gateway of the service', async () => {
    const name = 'elsewhere';
    const { metadata } = await teams(name, { [ADOPT_FROM]: TEAM }, [main]);
    await bed.kubectl(
      'patch',
      'virtualservice',
      metadata.name,
      '--type',
      'merge',
      '-p',
      '{"spec":{"hosts":["other.example"]}}',
    );
    const failure = await failureOf(() => adoptedRouteChange(bed.client, name, wanted()));
    expect(failure.message).toContain('lacks in spec.hosts: checkout.localhost, checkout.example');
  });

  it('keeps its host from the gate, where it is not adopted', async () => {
    await teams('rival', {}, [main]);
    const failure = await failureOf(() => requireFreeHosts(bed.client, placement, plan));
    expect(failure.message).toMatch(/VirtualService \S+ routes checkout\.localhost, checkout\.ex/);
    expect(gatewayNames('production', placement)).toEqual(['edge/production']);
  });
});

describe('the gate’s own VirtualService', () => {
  it('is undone to what it was, and to nothing where it was not there', async () => {
    const first = await ownRouteChange(bed.client, wanted(100));
    await first.apply();
    const second = await ownRouteChange(bed.client, wanted(0));
    await second.apply();
    await second.undo();
    const { name } = wanted().metadata;
    expect(specOf(await read(name)).http[0]?.route?.map(({ weight }) => weight)).toEqual([100, 0]);
    await first.undo();
    expect(await bed.client.find({ kind: KIND, namespace: bed.namespace, name })).toBeUndefined();
  });

  it('is not written over where somebody has changed it', async () => {
    await (await ownRouteChange(bed.client, wanted(100))).apply();
    const { name } = wanted().metadata;
    await bed.kubectl(
      'patch',
      'virtualservice',
      name,
      '--field-manager',
      TEAM,
      '--type',
      'merge',
      '-p',
      `{"spec":{"http":[${JSON.stringify(main)}]}}`,
    );
    const failure = await failureOf(async () => {
      await (await ownRouteChange(bed.client, wanted(50))).apply();
    });
    expect(failure.failure).toBe('refused');
    expect(failure.message).toContain(`.spec.http (owned by ${TEAM}`);
    expect(specOf(await read(name)).http).toEqual([main]);
    await gone(name);
  });

  it('does not take the name of another', async () => {
    const { name } = wanted().metadata;
    await teams(name, {}, [main]);
    const failure = await failureOf(() => ownRouteChange(bed.client, wanted()));
    expect(failure.message).toContain('that the gate did not make');
  });
});
