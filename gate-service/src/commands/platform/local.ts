/** Platform `local`: components that the set-up found, and a sender as a child process. */
import { ChildSender } from '../../load/child-sender.ts';
import { openLocalPlatform } from '../../platforms/local/local-platform.ts';
import { loadComponents } from '../../settings/components.ts';
import { nodeResources } from '../../settings/node-resources.ts';
import { createPrometheusTelemetry } from '../../telemetry/prometheus.ts';
import type { OpenedPlatform } from './opened.ts';

export async function openLocal(options: {
  readonly stateDirectory: string;
  readonly ports: { readonly staging: number; readonly production: number };
  readonly log: (message: string) => void;
}): Promise<OpenedPlatform> {
  const components = loadComponents();
  const resources = nodeResources(components.java.version);
  const platform = await openLocalPlatform({
    state: options.stateDirectory,
    components,
    ports: options.ports,
    nodeResources: resources,
    log: options.log,
  });
  return {
    platform,
    sender: new ChildSender(),
    // Its place is known when the platform is started.
    telemetry: {
      armTraffic: (...asked) =>
        createPrometheusTelemetry({ url: platform.prometheusUrl() }).armTraffic(...asked),
    },
    nodeResources: resources,
    ownProcesses: () => Promise.resolve(platform.processes()),
    begin: () => platform.start(),
    end: () => platform.close(),
    down: () => platform.down(),
    close: () => platform.close(),
  };
}
