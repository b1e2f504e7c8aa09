/** A namespace of the test's own on the test cluster, in which plans are applied as Istio's objects. */
import { randomBytes } from 'node:crypto';
import { renderIstio } from '../../../gate-service/src/mesh/istio/render.ts';
import type { IstioPlacement } from '../../../gate-service/src/mesh/istio/resources.ts';
import type { Environment, MeshPlan } from '../../../gate-service/src/mesh/plan.ts';
import {
  createKubernetesClient,
  type KubernetesClient,
} from '../../../gate-service/src/platforms/kubernetes/client/client.ts';
import { NAMESPACE } from '../../../gate-service/src/platforms/kubernetes/client/kinds.ts';
import { ISTIO_KINDS } from '../../../gate-service/src/platforms/kubernetes/mesh/kinds.ts';
import {
  applyOwn,
  deleteOwn,
} from '../../../gate-service/src/platforms/kubernetes/mesh/own-object.ts';
import { gatewayPods } from '../../../gate-service/src/platforms/kubernetes/mesh/proxies.ts';
import { runningCluster } from '../../support/cluster/cluster.ts';
import { defaultLayout, gateways, pathsOf } from '../../support/cluster/layout.ts';
import { until } from '../../support/processes.ts';

/** Of the gateways' Envoys on the test cluster, open to this machine. */
export const ADMIN_PORT = 15_000;

export class IstioBed {
  readonly namespace: string;
  readonly client: KubernetesClient;

  private constructor(client: KubernetesClient) {
    this.client = client;
    this.namespace = `mesh-${randomBytes(4).toString('hex')}`;
  }

  static async create(): Promise<IstioBed> {
    const client = createKubernetesClient({ kubeconfig: pathsOf(defaultLayout).kubeconfig });
    const bed = new IstioBed(client);
    await client.apply(NAMESPACE, {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: bed.namespace },
    });
    return bed;
  }

  /** Applies all of it and deletes what an earlier plan left. */
  async apply(plan: MeshPlan): Promise<void> {
    const placement: IstioPlacement = {
      namespace: this.namespace,
      gateway: { kind: 'existing', names: [gateways[plan.environment].gateway] },
      endpoints: { kind: 'listed' },
    };
    const wanted = renderIstio(plan, placement);
    for (const one of wanted) await applyOwn(this.client, one);
    const names = new Set(wanted.map(({ kind, metadata }) => `${kind}/${metadata.name}`));
    for (const kind of (Object.keys(ISTIO_KINDS) as (keyof typeof ISTIO_KINDS)[]).toReversed()) {
      const there = await this.client.list({ kind: ISTIO_KINDS[kind], namespace: this.namespace });
      const left = there.filter(({ metadata }) => !names.has(`${kind}/${metadata.name}`));
      await Promise.all(
        left.map(({ metadata }) => deleteOwn(this.client, kind, this.namespace, metadata.name)),
      );
    }
  }

  /** What the one Envoy of an environment's gateway has. */
  async dump(environment: Environment): Promise<unknown> {
    const [pod] = await gatewayPods(this.client, [gateways[environment].gateway]);
    const url = `http://${pod?.address ?? ''}:${ADMIN_PORT}/config_dump?include_eds`;
    return (await fetch(url, { signal: AbortSignal.timeout(5000) })).json();
  }

  /** Resolves when the gateway hears istiod: after an outage it tries again after pauses of up to 30 s. */
  async untilConnected(environment: Environment): Promise<void> {
    const [pod] = await gatewayPods(this.client, [gateways[environment].gateway]);
    const url = `http://${pod?.address ?? ''}:${ADMIN_PORT}/stats?filter=control_plane.connected_state`;
    await until(`the gateway of ${environment} hears istiod`, async () => {
      const stats = await (await fetch(url, { signal: AbortSignal.timeout(5000) })).text();
      return /connected_state: 1\b/.test(stats) ? true : undefined;
    });
  }

  /** The cluster's kubectl in this namespace, as an admin: for what others do. */
  async kubectl(...args: readonly string[]): Promise<string> {
    return (await runningCluster()).kubectl('--namespace', this.namespace, ...args);
  }

  /** Routes first, so that no proxy has one that leads nowhere. */
  async dispose(): Promise<void> {
    const { client, namespace } = this;
    for (const kind of [ISTIO_KINDS.VirtualService, ISTIO_KINDS.DestinationRule]) {
      for (const { metadata } of await client.list({ kind, namespace })) {
        await client.delete({ kind, namespace, name: metadata.name });
      }
    }
    await client.delete({ kind: NAMESPACE, name: namespace });
    await client.close();
  }
}
