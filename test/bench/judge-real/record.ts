/** What the bench has measured so far, in a folder: one line per push, one sample file each. An interrupted bench goes on from it. */
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';

/** What two benches must have in common to be one. */
const settingsSchema = z.strictObject({
  format: z.literal(1),
  windows: z.int(),
  windowSeconds: z.number(),
  rate: z.number(),
  slowFactor: z.number(),
});
export type RecordSettings = Omit<z.infer<typeof settingsSchema>, 'format'>;

const pushSchema = z.strictObject({
  /** From 1. */
  push: z.int().min(1),
  build: z.enum(['same', 'slow']),
  /** Of arrivals, pairing and the judge's split. */
  seed: z.int(),
  startedAt: z.string(),
  /** From the first deployment to the last removal. */
  seconds: z.number(),
  /** Name of the sample file in the folder; absent when nothing could be measured. */
  file: z.string().optional(),
  /** What makes it worthless whatever the samples say, decided blind to them. */
  problems: z.array(z.string()),
});
export type PushRecord = z.infer<typeof pushSchema>;
export type PushedBuild = PushRecord['build'];

export interface BenchRecord {
  readonly folder: string;
  readonly pushes: readonly PushRecord[];
  append(push: PushRecord): Promise<void>;
}

const SETTINGS = 'bench.json';
const PUSHES = 'pushes.jsonl';

/**
 * Opens a new record, or with `resume` the one that is there.
 * @throws Error when there is one and `resume` was not said, or when it was made with other settings
 */
export async function openRecord(
  folder: string,
  settings: RecordSettings,
  resume: boolean,
): Promise<BenchRecord> {
  await mkdir(folder, { recursive: true });
  const settingsFile = path.join(folder, SETTINGS);
  const pushesFile = path.join(folder, PUSHES);
  const known = await readIfThere(settingsFile);
  if (known === undefined) {
    await writeFile(settingsFile, `${JSON.stringify({ format: 1, ...settings })}\n`);
  } else {
    if (!resume) {
      throw new Error(`${folder} holds a record already: go on with --resume, or name another`);
    }
    requireSame(settingsFile, settingsSchema.parse(JSON.parse(known)), settings);
  }
  const text = (await readIfThere(pushesFile)) ?? '';
  // A line without its end was being written when the bench was killed: that push is measured again.
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole.length < text.length) await writeFile(pushesFile, whole);
  const pushes = whole
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => pushSchema.parse(JSON.parse(line)));
  return {
    folder,
    pushes,
    async append(push) {
      pushes.push(push);
      await appendFile(pushesFile, `${JSON.stringify(push)}\n`);
    },
  };
}

function requireSame(
  file: string,
  { format, ...known }: z.infer<typeof settingsSchema>,
  wanted: RecordSettings,
): void {
  for (const [name, value] of Object.entries(known)) {
    const now = wanted[name as keyof RecordSettings];
    if (now !== value) {
      throw new Error(`${file} (format ${format}) was made with ${name} ${value}, not ${now}`);
    }
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
