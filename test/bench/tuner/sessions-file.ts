/** Finished sessions, one a line of JSON, so that an interrupted bench goes on where it was. */
import { appendFile, readFile } from 'node:fs/promises';
import { z } from 'zod';
import { METHOD_NAMES } from './methods/all.ts';
import { STACK_NAMES } from './stacks/catalogue.ts';
import type { Task, TaskDone } from './worker.ts';

const lineSchema = z.strictObject({
  task: z.strictObject({
    stack: z.enum(STACK_NAMES),
    method: z.enum(METHOD_NAMES),
    seed: z.int(),
    budgets: z.array(z.int()),
  }),
  outcomes: z.array(
    z.strictObject({
      budget: z.int(),
      gapPercent: z.number(),
      bestUnsafe: z.boolean(),
      evaluations: z.int(),
      unsafe: z.int(),
      rejected: z.int(),
    }),
  ),
});

export interface SessionsFile {
  /** What was there already. */
  readonly done: readonly TaskDone[];
  add(done: TaskDone): Promise<void>;
}

/**
 * Whoever changes a stack or a method starts with another file: what is there is taken as it is.
 * @throws Error naming the line that is none of this bench's; a last line that was cut off is left out
 */
export async function openSessionsFile(file: string): Promise<SessionsFile> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  });
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  const done = whole
    .split('\n')
    .slice(0, -1)
    .map((line, index) => parsed(line, `${file}:${index + 1}`));
  // A line that was cut off is ended, or the next would be glued to it.
  let ended = whole.length === text.length;
  return {
    done: done.filter((one) => one !== undefined),
    add: async ({ task, outcomes }) => {
      await appendFile(file, `${ended ? '' : '\n'}${JSON.stringify({ task, outcomes })}\n`);
      ended = true;
    },
  };
}

/** Whether two tasks are the same session. */
export function sameTask(one: Task, other: Task): boolean {
  return (
    one.stack === other.stack &&
    one.method === other.method &&
    one.seed === other.seed &&
    one.budgets.join() === other.budgets.join()
  );
}

function parsed(line: string, place: string): TaskDone | undefined {
  let content: unknown;
  try {
    content = JSON.parse(line);
  } catch {
    // Cut off by a kill and ended by the run after it; the session was run again.
    return undefined;
  }
  const result = lineSchema.safeParse(content);
  if (result.success) return result.data;
  throw new Error(
    `${place} is no session of this bench (${z.prettifyError(result.error)}); give --sessions another file`,
  );
}
