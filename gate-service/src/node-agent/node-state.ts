/** What the agent keeps on disk, so that another agent can take the node over at any moment. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomically } from '../processes/process-record.ts';
import { knobValuesSchema } from './protocol.ts';

const colourSchema = z.union([z.literal(0), z.literal(1)]);
/** Which of the two port pairs a Jetty uses. */
export type Colour = z.infer<typeof colourSchema>;

export const otherColour = (colour: Colour): Colour => (colour === 0 ? 1 : 0);

/** The last version that was verified: what is in force, or is put in force again. */
const nodeStateSchema = z.strictObject({
  format: z.literal(1),
  buildDigest: z.string(),
  values: knobValuesSchema,
  hash: z.string(),
  /** Number of the folder in `httpd/configurations` that `current` shall point to. */
  httpdVersion: z.int().positive(),
  colour: colourSchema,
  /** How many Jettys the node has started; also names their instance folders. */
  jettyGeneration: z.int().positive(),
  /** Loopback port of mod_status, chosen by the agent. */
  statusPort: z.int().positive(),
});
export type NodeState = z.infer<typeof nodeStateSchema>;

/** Written before a swap changes anything, removed when it is through or undone. */
const swapIntentSchema = z.strictObject({
  fromHash: z.string(),
  toHash: z.string(),
  startedAt: z.string(),
  /** Whether httpd may have been given the new configuration. */
  httpd: z.boolean(),
});
export type SwapIntent = z.infer<typeof swapIntentSchema>;

/** Numbers that are never given twice, also not after a failed swap or a crash. */
const countersSchema = z.strictObject({
  httpdVersion: z.int().nonnegative(),
  jettyGeneration: z.int().nonnegative(),
  httpdRestarts: z.int().nonnegative(),
  jettyRestarts: z.int().nonnegative(),
});
export type Counters = z.infer<typeof countersSchema>;
export type Counter = keyof Counters;

export interface NodeStore {
  readState(): Promise<NodeState | undefined>;
  writeState(state: NodeState): Promise<void>;
  readIntent(): Promise<SwapIntent | undefined>;
  writeIntent(intent: SwapIntent): Promise<void>;
  removeIntent(): Promise<void>;
  /** The next number of a counter, stored before it is used. */
  next(counter: Counter): Promise<number>;
  counters(): Promise<Counters>;
}

const NO_COUNTERS: Counters = {
  httpdVersion: 0,
  jettyGeneration: 0,
  httpdRestarts: 0,
  jettyRestarts: 0,
};

/** Files `state.json`, `intent.json` and `counters.json` in the node's folder, each written atomically. */
export function createNodeStore(directory: string): NodeStore {
  const stateFile = join(directory, 'state.json');
  const intentFile = join(directory, 'intent.json');
  const countersFile = join(directory, 'counters.json');
  const read = async (): Promise<Counters> =>
    (await readJson(countersFile, countersSchema)) ?? NO_COUNTERS;
  return {
    counters: read,
    readState: async () => readJson(stateFile, nodeStateSchema),
    writeState: async (state) => writeJson(stateFile, state),
    readIntent: async () => readJson(intentFile, swapIntentSchema),
    writeIntent: async (intent) => writeJson(intentFile, intent),
    removeIntent: async () => rm(intentFile, { force: true }),
    async next(counter) {
      const counters = await read();
      const value = counters[counter] + 1;
      await writeJson(countersFile, { ...counters, [counter]: value });
      return value;
    },
  };
}

async function writeJson(file: string, value: unknown): Promise<void> {
  await writeFileAtomically(file, `${JSON.stringify(value, null, 2)}\n`);
}

async function readJson<Schema extends z.ZodType>(
  file: string,
  schema: Schema,
): Promise<z.infer<Schema> | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    content = undefined;
  }
  const parsed = schema.safeParse(content);
  if (parsed.success) return parsed.data;
  throw new Error(
    `${file} is damaged, so the agent cannot tell what this node last ran: ${z.prettifyError(parsed.error)}`,
  );
}
