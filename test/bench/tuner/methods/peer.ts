/**
 * Peers from their own packages, in a Python process that speaks lines of JSON (peers/peers.py). They are
 * given the start as first trial and, as far as each can take it, limits as constraints; a break of a
 * constraint that is known beforehand costs them no evaluation.
 */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import type { Knob } from '../../../../gate-service/src/optimizer/space/knob.ts';
import type { SimulatedStack } from '../stacks/stack.ts';
import type { Method, Search } from './method.ts';

const PROGRAM = path.join(import.meta.dirname, '..', 'peers', 'peers.py');
const LAST_WORDS = 2000;

export const PEERS = {
  'optuna-tpe': 'tpe',
  'bayes-gp': 'bayes-gp',
} as const;

export type PeerName = keyof typeof PEERS;

const valuesSchema = z.object({
  values: z.record(z.string(), z.union([z.number(), z.boolean(), z.string()])),
});

/** A Python process that sessions are opened in, one at a time. */
export interface PeerProcess {
  method(name: PeerName): Method;
  close(): Promise<void>;
}

/** @param python the interpreter that has the packages of peers/requirements.txt */
export function startPeers(python: string): PeerProcess {
  const child = spawn(python, [PROGRAM], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' },
  });
  let lastWords = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    lastWords = (lastWords + text).slice(-LAST_WORDS);
  });
  // A write to a process that has ended is told by its end.
  child.stdin.on('error', () => undefined);
  const ended = new Promise<void>((resolve) => {
    child.on('close', () => {
      resolve();
    });
    child.on('error', (error) => {
      lastWords += error.message;
      resolve();
    });
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();

  async function exchange(message: object): Promise<unknown> {
    child.stdin.write(`${JSON.stringify(message)}\n`);
    const { done, value } = await lines.next();
    if (done === true) throw new Error(`the peers' process ended: ${lastWords.trim()}`);
    const answer: unknown = JSON.parse(value);
    const { error } = z.object({ error: z.string().optional() }).parse(answer);
    if (error !== undefined) throw new Error(`a peer failed: ${error}`);
    return answer;
  }

  return {
    method: (name) => ({
      name,
      anytime: true,
      open: async (stack, budget, seed) => {
        await exchange({ open: sessionOf(stack, PEERS[name], budget, seed) });
        return searchOver(exchange);
      },
    }),
    close: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

function sessionOf(stack: SimulatedStack, method: string, budget: number, seed: number): object {
  const knobs = stack.space.names.map((name) => {
    const knob = stack.space.knobs[name];
    if (knob === undefined) throw new Error(`no knob ${name}`);
    return { name, ...domainOf(knob), deactivatedBy: knob.deactivatedBy };
  });
  return { method, knobs, start: stack.start, limits: stack.limits, budget, seed };
}

function domainOf(knob: Knob): object {
  switch (knob.kind) {
    case 'boolean':
      return { kind: knob.kind };
    case 'categorical':
      return { kind: knob.kind, choices: knob.categories };
    case 'integer':
    case 'real':
      return { kind: knob.kind, low: knob.minimum, high: knob.maximum, scale: knob.scale };
  }
}

function searchOver(exchange: (message: object) => Promise<unknown>): Search {
  return {
    ask: async () => valuesSchema.parse(await exchange({ ask: true })).values,
    tell: async (told) => {
      await exchange({
        tell: told.kind === 'rejected' ? { rejected: told.broken } : told.measured,
      });
    },
    best: async () => valuesSchema.parse(await exchange({ best: true })).values,
    close: () => Promise.resolve(),
  };
}
