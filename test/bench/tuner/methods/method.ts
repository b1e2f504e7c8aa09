/** What the bench compares: anything that proposes configurations and names its best. */
import type { Values } from '../../../../gate-service/src/optimizer/space/bound-space.ts';
import type { Measured, SimulatedStack } from '../stacks/stack.ts';

/** What a method is told of one evaluation. */
export type Told =
  | { readonly kind: 'measured'; readonly measured: Measured }
  /** Broke a constraint that is known beforehand; nothing was run. */
  | { readonly kind: 'rejected'; readonly broken: number };

/** One session of a method. */
export interface Search {
  /** The next configuration; `undefined` when the method wants to end before its budget. */
  ask(): Promise<Values | undefined>;
  /** Of what was asked last. */
  tell(told: Told): Promise<void>;
  /** The method's own answer so far: what it would deploy. */
  best(): Promise<Values>;
  close(): Promise<void>;
}

export interface Method {
  readonly name: string;
  /** Whether it proposes the same whatever the budget: then one session shows all budgets. */
  readonly anytime: boolean;
  open(stack: SimulatedStack, budget: number, seed: number): Promise<Search>;
}
