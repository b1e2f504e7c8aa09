/** Platform `kubernetes`: pods of the catalogue's services, seen and changed with an account for each environment. */
import { readFile } from 'node:fs/promises';
import { ChildSender } from '../../load/child-sender.ts';
import type { Sender } from '../../load/sender.ts';
import { FleetSender } from '../../load/workers/fleet-sender.ts';
import { meshHost } from '../../mesh/istio/resources.ts';
import {
  createKubernetesClient,
  type KubernetesClient,
} from '../../platforms/kubernetes/client/client.ts';
import { createJobLauncher } from '../../platforms/kubernetes/jobs/launcher.ts';
import { envoyProxies } from '../../platforms/kubernetes/mesh/envoy-proxies.ts';
import { istiodProxies } from '../../platforms/kubernetes/mesh/istiod-proxies.ts';
import type { Proxies } from '../../platforms/kubernetes/mesh/proxies.ts';
import {
  openKubernetesPlatform,
  type KubernetesPlatformOptions,
  type KubernetesService,
} from '../../platforms/kubernetes/kubernetes-platform.ts';
import type { Catalogue } from '../../settings/catalogue.ts';
import type { KubernetesSettings } from '../../settings/platform-settings.ts';
import { createClusterTelemetry } from '../../telemetry/cluster-telemetry.ts';
import type { OpenedPlatform } from './opened.ts';

/** Of istiod's monitoring and debug API. */
const ISTIOD_PORT = 15_014;
const ISTIOD_LABELS = { app: 'istiod' };
/** Feature release of the JVM in the node's image (Debian 12). */
const NODE_JAVA = 17;

/** Clients and everything else that the platform is opened with. */
export interface ClusterAccess {
  readonly platform: KubernetesPlatformOptions;
  readonly close: () => Promise<void>;
}

/**
 * Opens nothing but files; the cluster is asked first when it is driven.
 * @throws Error when the kubeconfig or the key of the agents cannot be read
 */
export async function clusterAccess(
  settings: KubernetesSettings,
  catalogue: Catalogue,
  log: (message: string) => void,
): Promise<ClusterAccess> {
  const agentKey = await readKey(settings.agentKeyFile);
  const clients = {
    staging: clientAs(settings.accounts.staging),
    production: clientAs(settings.accounts.production),
  };
  // istiod is asked as the gate itself: by the token that was made for that.
  const own = clientAs(undefined);
  return {
    platform: {
      services: placed(catalogue),
      clients,
      proxies: proxiesOf(settings, own),
      agentKey,
      nodeResources: { ...settings.node, javaVersion: NODE_JAVA },
      ...(settings.sender !== undefined && { sender: settings.sender }),
      log,
    },
    async close() {
      for (const client of [clients.staging, clients.production, own]) await client.close();
    },
  };
}

/** @throws as {@link clusterAccess} does */
export async function openKubernetes(options: {
  readonly settings: KubernetesSettings;
  readonly catalogue: Catalogue;
  readonly log: (message: string) => void;
}): Promise<OpenedPlatform> {
  const { catalogue, log, settings } = options;
  const access = await clusterAccess(settings, catalogue, log);
  const { nodeResources, services } = access.platform;
  const platform = openKubernetesPlatform(access.platform);
  return {
    platform,
    sender: senderOf(access.platform),
    telemetry: createClusterTelemetry({
      dialect: settings.gateways,
      url: settings.prometheusUrl,
      hosts: Object.fromEntries(
        services.map(({ name, placement }) => [
          name,
          meshHost(name, placement.production.namespace),
        ]),
      ),
      ...(settings.prometheusTargets !== undefined && { targets: settings.prometheusTargets }),
    }),
    nodeResources,
    begin: () => platform.start(),
    end: () => platform.close(),
    down: () => Promise.resolve(),
    async close() {
      await platform.close();
      await access.close();
    },
  };
}

/** @param account user to act as; by `KUBECONFIG` or, inside a pod, by its own account unless told */
function clientAs(account: string | undefined): KubernetesClient {
  return createKubernetesClient({ impersonate: account });
}

function placed({ services }: Catalogue): readonly KubernetesService[] {
  return services.map(({ hosts, kubernetes, name }) => {
    if (kubernetes === undefined) throw new Error(`service ${name} has no part \`kubernetes\``);
    return { name, hosts, placement: kubernetes };
  });
}

/** Jobs beside the service, or a child process beside the gate. */
function senderOf({ clients, log, sender, services }: KubernetesPlatformOptions): Sender {
  if (sender === undefined) return new ChildSender();
  const { workers, ...pods } = sender;
  const launcher = createJobLauncher({
    ...pods,
    client: clients.staging,
    namespaceOf: (service) => {
      const found = services.find(({ name }) => name === service);
      if (found === undefined) throw new Error(`service ${service} is not in the catalogue`);
      return found.placement.staging.namespace;
    },
    problem: log,
  });
  return new FleetSender(launcher, { workers });
}

function proxiesOf(
  { gatewayAdminPort, gateways, istiod }: KubernetesSettings,
  client: KubernetesClient,
): Proxies {
  if (gateways === 'envoy') return envoyProxies(gatewayAdminPort);
  return istiodProxies({
    client,
    namespace: istiod.namespace,
    labels: ISTIOD_LABELS,
    port: ISTIOD_PORT,
    // Renewed on disk by the kubelet.
    token: async () => (await readFile(istiod.tokenFile, 'utf8')).trim(),
  });
}

async function readKey(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new Error(
      `the key of the agents' tokens ${file} (SPEED_GATE_AGENT_KEY_FILE) cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}
