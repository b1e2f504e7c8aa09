import { expect, it } from 'vitest';
import { createTuner } from '../../optimizer/tuner.ts';
import { holdDialogue, type DialogueEnd, type DialogueParts } from './dialogue.ts';
import { parseKnobsFile } from './knobs-file.ts';

const { problem } = parseKnobsFile(
  '{"knobs":[{"name":"a","kind":"integer","low":1,"high":64,"scale":"log","start":8}]}',
);

/** What happened, in order; lines are told one after the other. */
async function hold(
  lines: readonly string[],
  change: Partial<DialogueParts> = {},
): Promise<{ readonly end: DialogueEnd | Error; readonly events: readonly string[] }> {
  const events: string[] = [];
  const end = await holdDialogue({
    tuner: createTuner(problem, { budget: 2, seed: 1 }),
    space: problem.space,
    lines: (async function* () {
      for (const [index, text] of lines.entries()) {
        yield await Promise.resolve({ number: index + 1, text });
      }
    })(),
    say: (message) => {
      const [word = '', value] = Object.entries(message)[0] ?? [];
      events.push(`say ${word}${word === 'ask' ? ` ${String(value)}` : ''}`);
      return Promise.resolve();
    },
    log: () => undefined,
    keep: () => {
      events.push('keep');
    },
    finish: (ended) => {
      events.push(`finish: ${ended}`);
    },
    ...change,
  }).catch((error: unknown) => error as Error);
  return { end, events };
}

it('keeps everything before it says what follows from it', async () => {
  const { end, events } = await hold(['{"tell":1,"value":2}', 'x', '{"end":true}']);
  expect(end).toBe('finished');
  expect(events).toEqual([
    'keep',
    'say ask 1',
    'keep',
    'say ask 2',
    'say error',
    'finish: ended by the other side',
    'say best',
  ]);
});

it('ends with the budget, and is broken off when the lines end before', async () => {
  const whole = await hold(['{"tell":1,"value":2}', '{"tell":2,"value":2}', '{"end":true}']);
  expect(whole.end).toBe('finished');
  expect(whole.events.at(-1)).toBe('say best');
  expect(whole.events.at(-2)).not.toContain('the other side');
  const broken = await hold(['{"tell":1,"value":2}']);
  expect(broken.end).toBe('broken-off');
  expect(broken.events.at(-1)).toBe('say ask 2');
});

it('says nothing that could not be kept', async () => {
  const { end, events } = await hold(['{"tell":1,"value":2}'], {
    keep: () => {
      throw new Error('the disk is full');
    },
  });
  expect(end).toEqual(new Error('the disk is full'));
  expect(events).toEqual([]);
});
