/** A node that is a pod: what its container's environment says becomes the node's description. */
import { z } from 'zod';
import { sha256OfWar } from './build-file.ts';
import { knobValuesSchema, type NodeDescription } from './protocol.ts';

/** Ports inside the pod; the image exposes the first two, the others are loopback's. */
export const POD_PORTS = {
  httpd: 8080,
  agent: 9090,
  jetty: [8081, 8082],
  jolokia: [8091, 8092],
} as const satisfies NodeDescription['ports'];

/** Where a pod's volumes and the image's application lie. */
export const POD_PATHS = {
  directory: '/var/lib/speed-gate/node',
  war: '/opt/application/application.war',
  token: '/var/run/speed-gate/agent/token',
} as const;

export interface PodSurroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly hostName: string;
  readonly components: NodeDescription['components'];
  /** Of the container. */
  readonly resources: NodeDescription['resources'];
  /** In force when the environment names none. */
  readonly stock: NodeDescription['configuration'];
  readonly readText: (file: string) => Promise<string>;
}

export interface PodNode {
  readonly description: NodeDescription;
  /** The token in force now: the file is read each time, so that the Secret behind it can be renewed. */
  readonly token: () => Promise<string>;
}

const jsonOf = <Schema extends z.ZodType>(schema: Schema) =>
  z
    .string()
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text);
      } catch {
        context.addIssue({ code: 'custom', message: 'is not JSON' });
        return z.NEVER;
      }
    })
    .pipe(schema);

const path = z.string().startsWith('/', 'must be an absolute path');
const environmentSchema = z.object({
  SPEED_GATE_NODE_NAME: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{0,252}$/, 'must be a pod name')
    .optional(),
  SPEED_GATE_NODE_CONFIGURATION: jsonOf(knobValuesSchema).optional(),
  SPEED_GATE_AGENT_TOKEN_FILE: path.default(POD_PATHS.token),
  SPEED_GATE_HEALTH_PATH: z.string().startsWith('/', 'must start with /').default('/'),
  SPEED_GATE_SYSTEM_PROPERTIES: jsonOf(z.record(z.string(), z.string())).default({}),
  SPEED_GATE_BUILD_DIGEST: z
    .string()
    .regex(/^(sha256:)?[0-9a-f]{64}$/, 'must be a SHA-256 in lower-case hex')
    .optional(),
  SPEED_GATE_WAR: path.default(POD_PATHS.war),
});

const SHORTEST_TOKEN = 16;

/**
 * Describes the node of this pod. A variable that is empty counts as unset.
 * @throws Error with a line for every variable that is wrong; when the token or the build cannot be read
 */
export async function describePod(surroundings: PodSurroundings): Promise<PodNode> {
  const { environment, hostName, components, resources, stock, readText } = surroundings;
  const given = Object.fromEntries(Object.entries(environment).filter(([, text]) => text !== ''));
  const parsed = environmentSchema.safeParse(given);
  if (!parsed.success) {
    const lines = parsed.error.issues.map(
      ({ path: [name], message }) => `\n- ${String(name)}: ${message}`,
    );
    throw new Error(`The environment of this pod does not describe a node:${lines.join('')}`);
  }
  const settings = parsed.data;
  const war = settings.SPEED_GATE_WAR;
  const token = async (): Promise<string> =>
    tokenIn(settings.SPEED_GATE_AGENT_TOKEN_FILE, readText);
  const digest = settings.SPEED_GATE_BUILD_DIGEST?.replace(/^sha256:/, '');
  return {
    token,
    description: {
      name: nodeName(settings.SPEED_GATE_NODE_NAME ?? hostName),
      directory: POD_PATHS.directory,
      address: '0.0.0.0',
      agentAddress: '0.0.0.0',
      ports: { ...POD_PORTS, jetty: [...POD_PORTS.jetty], jolokia: [...POD_PORTS.jolokia] },
      build:
        digest === undefined
          ? { digest: await sha256OfWar(war), war }
          : { digest, digestOf: 'image', war },
      configuration: settings.SPEED_GATE_NODE_CONFIGURATION ?? stock,
      healthPath: settings.SPEED_GATE_HEALTH_PATH,
      systemProperties: settings.SPEED_GATE_SYSTEM_PROPERTIES,
      components,
      resources,
      token: await token(),
    },
  };
}

/** A pod's name may be longer than a node's; its end is what tells pods of a Deployment apart. */
function nodeName(podName: string): string {
  return podName
    .replaceAll('.', '-')
    .slice(-63)
    .replace(/^[^a-z0-9]+/, '');
}

/** @throws Error saying which Secret is expected there, when there is no token worth the name */
export async function tokenIn(
  file: string,
  readText: (file: string) => Promise<string>,
): Promise<string> {
  let text: string;
  try {
    text = (await readText(file)).trim();
  } catch (error) {
    throw new Error(
      `cannot read the agent's token ${file}; mount the Secret of this node's token there: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
  if (text.length < SHORTEST_TOKEN) {
    throw new Error(`the agent's token in ${file} is shorter than ${SHORTEST_TOKEN} characters`);
  }
  return text;
}
