/** A gate on this machine whose platform is the test cluster: real nodes behind the gateways, in namespaces of the test's own. */
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';
import {
  createKubernetesClient,
  type KubernetesClient,
} from '../../../gate-service/src/platforms/kubernetes/client/client.ts';

import type { Environment } from '../../../gate-service/src/mesh/plan.ts';
import { gateways, gatewayUrl, defaultLayout, pathsOf } from '../../support/cluster/layout.ts';
import { prepareGate, type TestGate } from '../../support/gate-fixture.ts';
import { freshNamespace, removeNamespaces } from './fresh-namespace.ts';
import { startGatewayPrometheus, type GatewayPrometheus } from './gateway-prometheus.ts';
import { ADMIN_PORT } from './istio-bed.ts';
import { CONTAINER, deployNodes, untilRolledOut } from './node-deployment.ts';
import { CHECKOUT, nodeImages, type NodeImages } from './node-image.ts';
import { ask } from './steady-load.ts';

/** The Deployment that is the template of all arms. */
export const DEPLOYMENT_NAME = 'checkout';

export interface GateRunBed {
  readonly gate: TestGate;
  readonly client: KubernetesClient;
  readonly images: NodeImages;
  readonly host: string;
  readonly namespaces: Readonly<Record<Environment, string>>;
  readonly prometheus: GatewayPrometheus;
  /** The version that production answers with now, through the gateway. */
  productionVersion(): Promise<string>;
  close(): Promise<void>;
}

const SAMPLE = path.join(
  import.meta.dirname,
  '../../../resources/sample-application/speedgate.yaml',
);

/** The sample application's own entry in a catalogue, with few enough requests for pods that share this machine. */
export async function sampleEntry(rate: number): Promise<Readonly<Record<string, unknown>>> {
  const { services } = parse(await readFile(SAMPLE, 'utf8')) as {
    readonly services: readonly { readonly workload: Readonly<Record<string, unknown>> }[];
  };
  const [own] = services;
  return { ...own, workload: { ...own?.workload, rate } };
}

type Address = (environment: Environment) => { readonly host: string; readonly port: number };

/** Where this machine reaches the gateways. */
const onNode: Address = (environment) => ({
  host: defaultLayout.address,
  port: gateways[environment].nodePort,
});

/** A service placed on the test cluster, as its catalogue entry says it. */
export function placedService(
  host: string,
  namespaces: Readonly<Record<Environment, string>>,
  addressOf = onNode,
): Readonly<Record<string, unknown>> {
  const placeOf = (environment: Environment) => {
    const { gateway, namespace } = gateways[environment];
    return {
      namespace: namespaces[environment],
      gateways: [
        {
          namespace,
          name: gateway.replace(`${namespace}/`, ''),
          address: addressOf(environment),
        },
      ],
    };
  };
  return {
    hosts: [host],
    kubernetes: {
      deployment: DEPLOYMENT_NAME,
      container: CONTAINER,
      repository: CHECKOUT,
      staging: placeOf('staging'),
      production: placeOf('production'),
    },
  };
}

/**
 * Everything but the gate's own start: see `gate.startService()`.
 * @param service further changes to the sample's catalogue entry
 */
export async function gateRunBed(
  service: Readonly<Record<string, unknown>>,
  rate: number,
): Promise<GateRunBed> {
  const images = await nodeImages();
  const client = createKubernetesClient({ kubeconfig: pathsOf(defaultLayout).kubeconfig });
  const id = `gate-${randomBytes(3).toString('hex')}`;
  const namespaces = { staging: `${id}-staging`, production: id };
  const host = `checkout.${id}.example`;
  const undo: (() => Promise<unknown>)[] = [() => client.close()];
  const close = async (): Promise<void> => {
    for (const step of undo.toReversed()) await step();
  };
  try {
    undo.push(() => removeNamespaces(client, Object.values(namespaces)));
    for (const name of Object.values(namespaces)) await freshNamespace(client, name);
    const primary = {
      namespace: namespaces.production,
      name: DEPLOYMENT_NAME,
      build: images['1.0'],
      replicas: 1,
    };
    await deployNodes(client, primary);
    await untilRolledOut(client, primary);
    const prometheus: GatewayPrometheus = await startGatewayPrometheus(client);
    undo.push(() => prometheus.stop());
    const { digest, location } = images['1.0'];
    const gate = await prepareGate({
      service: { ...placedService(host, namespaces), ...service },
      rate,
      production: `${location}@sha256:${digest}`,
    });
    undo.push(() => gate.close());
    const keyFile = path.join(gate.state, 'agent-key');
    await writeFile(keyFile, randomBytes(32));
    const settings = {
      KUBECONFIG: pathsOf(defaultLayout).kubeconfig,
      SPEED_GATE_PLATFORM: 'kubernetes',
      SPEED_GATE_AGENT_KEY_FILE: keyFile,
      SPEED_GATE_PROMETHEUS_URL: prometheus.url,
      SPEED_GATE_GATEWAYS: 'envoy',
      SPEED_GATE_GATEWAY_ADMIN_PORT: String(ADMIN_PORT),
      SPEED_GATE_NODE_CORES: '2',
      SPEED_GATE_NODE_MEMORY_MIB: '1024',
    };
    for (const [name, value] of Object.entries(settings)) gate.set(name, value);
    return {
      gate,
      client,
      images,
      host,
      namespaces,
      prometheus,
      productionVersion: () => versionBehind(gatewayUrl('production'), host),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The build that answers through a gateway. @throws Error unless it says that it is well */
export async function versionBehind(url: string, host: string): Promise<string> {
  const { body, status } = await ask(`${url}/health`, { Host: host });
  if (status !== 200) throw new Error(`production answered ${status}: ${body}`);
  return (JSON.parse(body) as { readonly version: string }).version;
}
