/**
 * What the local platform knows, on disk before it acts: every change of the world starts with
 * its intent in here (a phase of an arm or node, `applying`), so that a restart can finish or undo it.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { knobValuesSchema } from '../../node-agent/protocol.ts';
import { writeFileAtomically } from '../../processes/process-record.ts';
import { PlatformError } from '../platform.ts';
import { messageOf } from '../wait-until.ts';

const port = z.int().min(1).max(65535);
const environmentSchema = z.enum(['staging', 'production']);

const nodeSchema = z.strictObject({
  name: z.string(),
  /**
   * `starting`: not in the mesh yet; `joining`: in the mesh, but the arm does not count on it yet;
   * `present`; `ending`: out of the mesh for good. After a crash only `present` ones stay.
   */
  phase: z.enum(['starting', 'joining', 'present', 'ending']),
  /** Out of rotation for a moment. */
  draining: z.boolean(),
  ports: z.strictObject({
    agent: port,
    httpd: port,
    jetty: z.tuple([port, port]),
    jolokia: z.tuple([port, port]),
    /** Absent in nodes of former versions. */
    status: port.optional(),
  }),
});
export type NodeState = z.infer<typeof nodeSchema>;

const armSchema = z.strictObject({
  id: z.string(),
  /** `deploying` and `removing` ones are removed after a crash. */
  phase: z.enum(['deploying', 'present', 'removing']),
  environment: environmentSchema,
  role: z.enum(['baseline', 'candidate', 'challenger', 'current', 'canary']),
  service: z.strictObject({
    name: z.string(),
    hosts: z.array(z.string()),
    healthPath: z.string(),
    systemProperties: z.record(z.string(), z.string()),
  }),
  build: z.strictObject({ digest: z.string(), location: z.string() }),
  /** The configuration in force: what a restart makes sure of. */
  values: knobValuesSchema,
  hash: z.string(),
  /** What the mesh is given; differs from `values` in the middle of a swap only. */
  meshValues: knobValuesSchema,
  /** Hash of the configuration that is being put in force. */
  applying: z.string().optional(),
  nodes: z.array(nodeSchema),
});
export type ArmState = z.infer<typeof armSchema>;

const atPath = z.object({ path: z.string() });
/** Paths of everything that the platform runs. */
export const localComponentsSchema = z.object({
  httpd: atPath.extend({ serverRoot: z.string() }),
  java: atPath,
  jettyHome: atPath,
  jolokia: atPath,
  classDataArchive: atPath.optional(),
  envoy: atPath,
  prometheus: atPath,
});
export type LocalComponents = z.infer<typeof localComponentsSchema>;

const envoyPortsSchema = z.strictObject({ listener: port, admin: port });

export const platformStateSchema = z.strictObject({
  format: z.literal(1),
  ports: z.strictObject({
    staging: envoyPortsSchema,
    production: envoyPortsSchema,
    prometheus: port,
  }),
  /** Bearer token of all agents of this platform; Prometheus has it too. */
  token: z.string().min(16),
  /** As at the last start: whoever ends the platform needs them too. */
  components: localComponentsSchema,
  resources: z.strictObject({
    cores: z.number().positive(),
    memoryMiB: z.number().positive(),
    fileDescriptors: z.int().positive(),
    javaVersion: z.int().positive().optional(),
  }),
  arms: z.array(armSchema),
  /** By service. */
  measurement: z.record(
    z.string(),
    z.strictObject({
      arms: z.array(z.strictObject({ headerValue: z.string(), armId: z.string() })),
      planted: z.strictObject({ headerValue: z.string(), delayMs: z.int() }).optional(),
    }),
  ),
  /** By service; only arms with a weight above 0. */
  production: z.record(z.string(), z.array(z.strictObject({ armId: z.string(), weight: z.int() }))),
});
export type PlatformState = z.infer<typeof platformStateSchema>;

/** The state in memory and on disk; changes are made one after the other. */
export class StateFile {
  readonly #file: string;
  #state: PlatformState;
  #onDisk: boolean;
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(file: string, state: PlatformState, onDisk: boolean) {
    this.#file = file;
    this.#onDisk = onDisk;
    this.#state = state;
  }

  /** Opens the file, or begins one. @throws when it is damaged, naming it */
  static async open(file: string, initial: () => Promise<PlatformState>): Promise<StateFile> {
    const state = await readState(file);
    if (state !== undefined) return new StateFile(file, state, true);
    const begun = new StateFile(file, await initial(), false);
    await begun.update(() => undefined);
    return begun;
  }

  get state(): PlatformState {
    return this.#state;
  }

  /** Applies a change to a copy, writes it, and only then counts it. */
  update(change: (draft: PlatformState) => void): Promise<void> {
    const turn = this.#queue.then(async () => {
      if (this.#onDisk && !existsSync(this.#file)) {
        throw new PlatformError(
          'refused',
          'The local platform was ended (speed-gate down) while this gate service was running; restart the service.',
        );
      }
      const draft = structuredClone(this.#state);
      change(draft);
      await writeFileAtomically(this.#file, `${JSON.stringify(draft, null, 1)}\n`);
      this.#state = draft;
      this.#onDisk = true;
    });
    this.#queue = turn.catch(() => undefined);
    return turn;
  }
}

/** The state in a file; `undefined` when there is none. */
export async function readState(file: string): Promise<PlatformState | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return platformStateSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new Error(
      `${file} is not the state of a local platform of this version (${messageOf(error)}). End what runs there by hand, then delete the file.`,
      { cause: error },
    );
  }
}

export function armIn(state: PlatformState, armId: string): ArmState | undefined {
  return state.arms.find((arm) => arm.id === armId);
}
