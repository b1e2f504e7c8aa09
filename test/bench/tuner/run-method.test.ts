import { describe, expect, it } from 'vitest';
import type { Values } from '../../../gate-service/src/optimizer/space/bound-space.ts';
import type { Method, Told } from './methods/method.ts';
import { ownCold } from './methods/own.ts';
import { startPeers } from './methods/peer.ts';
import { randomSearch } from './methods/random.ts';
import { runMethod } from './run-method.ts';
import { BEST_KNOWN } from './stacks/best-known.ts';
import { simulatedStack } from './stacks/catalogue.ts';

const stack = simulatedStack('mild');
const hard = simulatedStack('open-tail');
const { start } = stack;
const collapsing = { ...start, jettyThreads: 16 };
const known = BEST_KNOWN.mild.values;

/** Asks for these in turn, then ends; answers the last of them. */
function scripted(asks: readonly Values[], heard: Told[] = [], anytime = true): Method {
  return {
    name: 'scripted',
    anytime,
    open: () => {
      let next = 0;
      return Promise.resolve({
        ask: () => Promise.resolve(asks[next++]),
        tell: (told) => {
          heard.push(told);
          return Promise.resolve();
        },
        best: () => Promise.resolve(asks[Math.min(next, asks.length) - 1] ?? start),
        close: () => Promise.resolve(),
      });
    },
  };
}

describe('a session of a method', () => {
  it('is judged by the true value of the answer at each budget, and by what truly broke', async () => {
    const outcomes = await runMethod(stack, scripted([start, collapsing, known]), [1, 2, 3], 1);
    const startGap = 100 * (stack.truth(start).value / BEST_KNOWN.mild.value - 1);
    expect(outcomes.map(({ gapPercent }) => gapPercent)[0]).toBeCloseTo(startGap, 9);
    expect(outcomes.map(({ bestUnsafe }) => bestUnsafe)).toEqual([false, true, false]);
    expect(outcomes.map(({ unsafe }) => unsafe)).toEqual([0, 1, 1]);
    expect(outcomes[2]?.gapPercent).toBeCloseTo(0, 9);
  });

  it('charges nothing for what breaks a known constraint, up to a hundred asks in a row', async () => {
    const illegal = { ...hard.start, proxyMax: 200 };
    const heard: Told[] = [];
    const asks = [hard.start, ...Array<Values>(101).fill(illegal), hard.start];
    const [outcome] = await runMethod(hard, scripted(asks, heard), [3], 1);
    expect(outcome).toMatchObject({ evaluations: 3, unsafe: 1, rejected: 101 });
    expect(heard[1]).toEqual({ kind: 'rejected', broken: 1 });
  });

  it('may end before its budget and then answers for all later ones', async () => {
    const outcomes = await runMethod(stack, scripted([start, known]), [1, 5], 1);
    expect(outcomes.map(({ budget, evaluations }) => [budget, evaluations])).toEqual([
      [1, 1],
      [5, 2],
    ]);
  });

  it('shows every method the same noise at the same evaluation of the same seed', async () => {
    const one: Told[] = [];
    const other: Told[] = [];
    await runMethod(stack, scripted([start, known, start], one), [3], 5);
    await runMethod(stack, scripted([start, collapsing, start], other), [3], 5);
    expect(other[2]).toEqual(one[2]);
    expect(one[2]).not.toEqual(one[0]);
  });

  it('ends in the same result for the same seed', async () => {
    for (const method of [randomSearch, ownCold]) {
      const run = () => runMethod(stack, method, [4], 3);
      expect(await run()).toEqual(await run());
    }
  });

  it('begins every method at the start', async () => {
    for (const method of [randomSearch, ownCold]) {
      const values: Values[] = [];
      await runMethod(stack, method, [1], 3, (step) => values.push(step.values));
      expect(values).toEqual([start]);
    }
  });

  it('fails when the answer is illegal', async () => {
    const answer = scripted([{ ...start, jettyThreads: -1 }]);
    await expect(runMethod(stack, answer, [1], 1)).rejects.toThrow('illegal');
  });
});

describe('a process of the peers', () => {
  it('that ends says its last words', async () => {
    // Node cannot run a Python program.
    const peers = startPeers(process.execPath);
    await expect(peers.method('optuna-tpe').open(stack, 1, 1)).rejects.toThrow(
      /process ended: [^]*Error/,
    );
    await peers.close();
  });
});
