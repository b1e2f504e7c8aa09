/** What the settings say of the platform, and what the platform `kubernetes` cannot be without. */
import { resolve } from 'node:path';
import type { z } from 'zod';
import type { GatewayKind, SettingKey, settingsSchema } from './settings.ts';

/** Memory of a node's container that its agent takes; the rest is httpd's and Jetty's. */
const AGENT_MIB = 128;
/** As a container runtime gives to its containers, or more. */
const CONTAINER_FILES = 65_536;

export interface KubernetesSettings {
  readonly kind: 'kubernetes';
  /** Absolute path of the key that the agents' tokens are made of. */
  readonly agentKeyFile: string;
  /** Users to act as, e.g. `system:serviceaccount:NAMESPACE:NAME`; absent: as who the gate is itself. */
  readonly accounts: { readonly staging?: string; readonly production?: string };
  /** Of the Prometheus that scrapes production's gateways, without a slash at its end. */
  readonly prometheusUrl: string;
  /** Label matchers of production's gateways in it, e.g. `job="istio-ingress"`; absent: telemetry's default. */
  readonly prometheusTargets?: string;
  readonly gateways: GatewayKind;
  /** Of plain Envoys at the gateways. */
  readonly gatewayAdminPort: number;
  /** Where istiod is asked what Istio's proxies have. */
  readonly istiod: { readonly namespace: string; readonly tokenFile: string };
  /** The sender as Jobs beside the service; absent: a child process beside the gate. */
  readonly sender?: { readonly image: string; readonly workers: number };
  /** What one node may use: the limits of its container, less what the agent takes. */
  readonly node: {
    readonly cores: number;
    readonly memoryMiB: number;
    readonly fileDescriptors: number;
  };
}

export type PlatformSettings = { readonly kind: 'local' } | KubernetesSettings;
/** Where services run. */
export type PlatformKind = PlatformSettings['kind'];

const NEEDED = ['agentKeyFile', 'prometheusUrl'] as const satisfies readonly SettingKey[];

/** Settings without which the chosen platform cannot be. */
export function missingFor(
  texts: Readonly<Partial<Record<SettingKey, string>>>,
): readonly SettingKey[] {
  if (texts.platform !== 'kubernetes') return [];
  return NEEDED.filter((key) => texts[key] === undefined);
}

/** @param values for which {@link missingFor} names nothing */
export function platformSettings(values: z.infer<typeof settingsSchema>): PlatformSettings {
  const { agentKeyFile, kubernetesProductionAccount, kubernetesStagingAccount, prometheusUrl } =
    values;
  if (values.platform === 'local') return { kind: 'local' };
  if (agentKeyFile === undefined || prometheusUrl === undefined) {
    throw new TypeError('settings that the platform needs were not asked for');
  }
  return {
    kind: 'kubernetes',
    agentKeyFile: resolve(agentKeyFile),
    accounts: {
      ...(kubernetesStagingAccount !== undefined && { staging: kubernetesStagingAccount }),
      ...(kubernetesProductionAccount !== undefined && { production: kubernetesProductionAccount }),
    },
    prometheusUrl,
    ...(values.prometheusTargets !== undefined && { prometheusTargets: values.prometheusTargets }),
    gateways: values.gateways,
    gatewayAdminPort: values.gatewayAdminPort,
    istiod: { namespace: values.istiodNamespace, tokenFile: resolve(values.istiodTokenFile) },
    ...(values.senderImage !== undefined && {
      sender: { image: values.senderImage, workers: Math.floor(values.senderWorkers) },
    }),
    node: {
      cores: values.nodeCores,
      memoryMiB: values.nodeMemoryMib - AGENT_MIB,
      fileDescriptors: CONTAINER_FILES,
    },
  };
}
