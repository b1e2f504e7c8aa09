/** Telling one node's agent a configuration, until it has it in force or has said why not. */
import { NodeAgentError, type NodeAgentClient } from '../node-agent/client.ts';
import { withoutFormerValues } from '../stack/added-knobs.ts';
import type { StackConfiguration } from '../stack/configuration.ts';
import type { SwapWay } from '../stack/swap-plan.ts';
import { PlatformError } from './platform.ts';
import { waitUntil } from './wait-until.ts';

/** An agent that starts a dead child again is busy for so long. */
const BUSY_MS = 60_000;

/** Thrown when only a new node can take the configuration. */
export class ReplaceRequiredError extends Error {}

/**
 * Puts a configuration in force on a node where it is.
 * @param node its name, for what is said
 * @throws ReplaceRequiredError, or PlatformError `swap-failed` / `invalid-configuration` in the agent's words
 */
export async function configureAgent(
  agent: NodeAgentClient,
  node: string,
  to: StackConfiguration,
  signal?: AbortSignal,
): Promise<SwapWay> {
  let last = 'it does not answer';
  const way = await waitUntil(
    async (): Promise<SwapWay | undefined> => {
      try {
        // An agent of an older version, adopted as it runs, knows no later knobs.
        const values = withoutFormerValues(to.values);
        const answer = await agent.configure({ ...values }, signal);
        if (answer.hash === to.hash) return answer.way;
        throw new PlatformError(
          'swap-failed',
          `Node ${node} says it has configuration ${answer.hash} instead of ${to.hash}.`,
        );
      } catch (error) {
        if (!(error instanceof NodeAgentError)) throw error;
        const code = error.problem?.code;
        if (code === 'replace-required') throw new ReplaceRequiredError(error.message);
        // `unreachable`: the agent died and is being started again; the call can be repeated.
        if (code !== 'busy' && code !== 'not-ready' && error.failure !== 'unreachable') {
          throw refusalOf(node, error);
        }
        last = error.message;
        return undefined;
      }
    },
    { timeoutMs: BUSY_MS, everyMs: 250, signal },
  );
  if (way !== undefined) return way;
  throw new PlatformError(
    'swap-failed',
    `Node ${node} took no configuration within ${BUSY_MS / 1000} s: ${last}`,
  );
}

function refusalOf(node: string, error: NodeAgentError): PlatformError {
  const invalid = error.problem?.code === 'invalid-configuration';
  return new PlatformError(
    invalid ? 'invalid-configuration' : 'swap-failed',
    `Node ${node}: ${error.message}`,
    { cause: error },
  );
}
