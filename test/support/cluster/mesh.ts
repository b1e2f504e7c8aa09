/** Istio on the running cluster: its definitions, istiod with its validation in force, and a gateway for each environment. */
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { BaseImages } from './base-images.ts';
import { kubectl } from './control-plane.ts';
import { gateways, ISTIOD_ADDRESS, pathsOf } from './layout.ts';
import type { ClusterLayout, GatewayName } from './layout.ts';
import type { Programs } from './programs.ts';
import { SetupError, tryRun } from '../../../resources/components/command.ts';
import { until } from '../processes.ts';

const manifests = path.join(import.meta.dirname, 'manifests');
const ROLLOUT_SECONDS = 180;
const WITHIN_MS = 120_000;
export const WEBHOOK = 'validatingwebhookconfiguration/istio-validator-istio-system';

/** A manifest with its placeholders `__NAME__` filled in. @throws Error on one without a value */
export function filled(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/__([A-Z_]+?)__/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`the manifest asks for ${name}, which has no value`);
    return value;
  });
}

/** The steps that bring the mesh up; each may be done again on a running mesh and changes nothing then. */
export function meshSteps(layout: ClusterLayout, programs: Programs, images: BaseImages) {
  const k = (...args: string[]) => kubectl(programs, args, layout);
  const waited = async (what: string, look: () => Promise<true | undefined>) => {
    try {
      await until(what, look, { withinMs: WITHIN_MS, everyMs: 200 });
    } catch (error) {
      if (error instanceof SetupError) throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw await complaint(layout, programs, 'istio-system', 'istiod', why);
    }
  };
  const apply = async (name: string, values: Readonly<Record<string, string>> = {}, as = name) => {
    const text = filled(readFileSync(path.join(manifests, `${name}.yaml`), 'utf8'), values);
    const file = path.join(pathsOf(layout).etc, 'manifests', `${as}.yaml`);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
    await waited(`the API server takes ${path.basename(file)}`, () =>
      unlessPassing(() => k('apply', '--server-side', '--force-conflicts', '-f', file)),
    );
  };
  return {
    definitions: async (): Promise<void> => {
      await waited("the API server takes Istio's definitions", () =>
        unlessPassing(() => k('apply', '--server-side', '-f', programs.istioDefinitions)),
      );
      await k('wait', '--for=condition=Established', 'crd', '--all', '--timeout=120s');
    },
    istiod: async (): Promise<void> => {
      const values = { ISTIOD_ADDRESS, ISTIOD_IMAGE: images.istiod.name };
      await apply('istiod', values);
      await rolledOut(layout, programs, 'istio-system', 'istiod');
    },
    validation: async (): Promise<void> => {
      if ((await k('get', WEBHOOK, '--ignore-not-found', '-o', 'name')).trim() === '') {
        await apply('webhook');
      }
      const policy = 'jsonpath={.webhooks[0].failurePolicy}';
      await waited("istiod's validation is in force (failurePolicy Fail)", async () =>
        (await k('get', WEBHOOK, '-o', policy)) === 'Fail' ? true : undefined,
      );
    },
    gateways: async (): Promise<void> => {
      await apply('gateways', { ISTIOD_ADDRESS });
      const names = Object.keys(gateways) as GatewayName[];
      for (const name of names) {
        const { deployment, service, clusterAddress, port, nodePort } = gateways[name];
        const values = {
          DEPLOYMENT: deployment,
          SERVICE: service,
          CLUSTER_ADDRESS: clusterAddress,
          NODE_PORT: String(nodePort),
          PORT: String(port),
          GATEWAY: name,
          ENVOY_IMAGE: images.envoy.name,
        };
        await apply('gateway', values, deployment);
      }
      for (const name of names) {
        const { namespace, deployment } = gateways[name];
        await rolledOut(layout, programs, namespace, deployment);
      }
    },
  };
}

/**
 * Answers of an API server that may be other ones in a moment: it was killed and comes back, the machine is too busy for
 * its time-outs, or after a rollout of istiod it still holds a connection to the pod that went.
 */
const PASSING = /failed calling webhook|Error from server \(Timeout\)|connection refused/;

/** Undefined when the work should be tried again. */
async function unlessPassing(work: () => Promise<unknown>): Promise<true | undefined> {
  try {
    await work();
    return true;
  } catch (error) {
    if (error instanceof Error && PASSING.test(error.message)) return undefined;
    throw error;
  }
}

/** Runs kubectl; a failure is the caller's to read. */
function ask(layout: ClusterLayout, programs: Programs, ...args: readonly string[]) {
  const where = ['kubectl', '--kubeconfig', pathsOf(layout).kubeconfig];
  return tryRun(programs.kubernetes, [...where, ...args]);
}

/** Waits for a Deployment; when it does not come, says what its pods wait for and the end of their logs. */
async function rolledOut(
  layout: ClusterLayout,
  programs: Programs,
  namespace: string,
  name: string,
): Promise<void> {
  const { code } = await ask(
    ...[layout, programs, '-n', namespace],
    ...['rollout', 'status', `deployment/${name}`, `--timeout=${ROLLOUT_SECONDS}s`],
  );
  if (code === 0) return;
  const what = `${name} in ${namespace} did not get ready in ${ROLLOUT_SECONDS} s`;
  throw await complaint(layout, programs, namespace, name, what);
}

/** The error of a part of the mesh: its pods, what the node says about them, and the end of its log. */
async function complaint(
  layout: ClusterLayout,
  programs: Programs,
  namespace: string,
  name: string,
  what: string,
): Promise<SetupError> {
  const parts = [
    ['get', 'pods', '-o', 'wide'],
    ['get', 'events', '--field-selector=type=Warning'],
    ['logs', `deployment/${name}`, '--tail=15'],
  ];
  const lines: string[] = [];
  for (const part of parts) {
    const { stdout, stderr } = await ask(layout, programs, '-n', namespace, ...part);
    lines.push(`${stdout}${stderr}`.trim());
  }
  return new SetupError(`${what}:\n  ${lines.join('\n').replaceAll('\n', '\n  ')}`);
}
