/** Readings of nodes through their agents. */
import { createNodeAgentClient, type NodeAgentEndpoint } from '../node-agent/client.ts';
import type { NodeLoadSource, NodeReading } from './node-load.ts';

/**
 * Asks every agent of an arm at once.
 * @param agentsOf where the agents of an arm's nodes are; the platform knows
 */
export function createNodeLoadSource(
  agentsOf: (armId: string) => readonly NodeAgentEndpoint[],
): NodeLoadSource {
  return {
    async readings(armId) {
      const readings = await Promise.all(
        agentsOf(armId).map(async (agent): Promise<NodeReading | undefined> => {
          try {
            const status = await createNodeAgentClient(agent).status();
            return { atMs: Date.now(), status };
          } catch {
            return undefined;
          }
        }),
      );
      return readings.filter((reading) => reading !== undefined);
    },
  };
}
