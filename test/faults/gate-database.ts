/** The SQLite file of a running gate service, read beside it: what is stored at this very moment. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestGate } from '../support/gate-fixture.ts';

/** Where a run is, and its promotion if it has one. */
export interface Stored {
  readonly phase: string;
  readonly stage: string | undefined;
  /** Steps of the promotion that have ended. */
  readonly steps: number;
}

/** It ended before it came to where the service was to be killed. */
export class RunEnded extends Error {}

/** The service was killed, but too late. */
export class KilledTooLate extends RunEnded {}

const LOOK_MS = 20;
/** Often enough to see what is stored for a few milliseconds, seldom enough to leave the machine quiet. */
const NEAR_MS = 1;

interface PromotionRow {
  readonly id: string;
  readonly stage: string;
  readonly steps: string;
}

export class GateDatabase {
  readonly #database: DatabaseSync;

  /** @throws Error when there is none yet */
  constructor(gate: TestGate) {
    this.#database = new DatabaseSync(join(gate.state, 'speed-gate.sqlite'), { readOnly: true });
  }

  run(id: string): Stored {
    const row = this.#database
      .prepare(
        'select phase, stage, steps from runs left join promotions on promotions.id = runs.promotion_id where runs.id = ?',
      )
      .get(id) as { phase: string; stage: string | null; steps: string | null } | undefined;
    if (row === undefined) throw new Error(`run ${id} is not stored`);
    const steps = row.steps === null ? 0 : count(row.steps);
    return { phase: row.phase, stage: row.stage ?? undefined, steps };
  }

  latestPromotion(): { id: string; stage: string; steps: number } | undefined {
    const row = this.#database
      .prepare('select id, stage, steps from promotions order by created_at desc limit 1')
      .get() as unknown as PromotionRow | undefined;
    return row === undefined
      ? undefined
      : { id: row.id, stage: row.stage, steps: count(row.steps) };
  }

  /** Cause of the end that is known but not cleaned up after yet, or was. */
  endingOf(id: string): string | undefined {
    const row = this.#database.prepare('select ending from runs where id = ?').get(id) as
      { ending: string | null } | undefined;
    const ending = row?.ending ?? undefined;
    return ending === undefined ? undefined : (JSON.parse(ending) as { cause: string }).cause;
  }

  /** How many changes of the world have no outcome. */
  openIntents(): number {
    const row = this.#database
      .prepare('select count(*) as open from intents where outcome is null')
      .get() as { open: number };
    return row.open;
  }

  /**
   * Kills the service in the turn in which it is seen there.
   * @param near when to look more often, for what lasts a few milliseconds only
   * @throws RunEnded; KilledTooLate when it went on before the service was dead
   */
  async killAt(
    gate: TestGate,
    what: string,
    look: () => Stored,
    at: (stored: Stored) => boolean,
    near: (stored: Stored) => boolean = () => false,
  ): Promise<void> {
    for (;;) {
      const stored = look();
      if (at(stored)) {
        process.kill(gate.servicePid, 'SIGKILL');
        await gate.killService();
        const now = look();
        if (at(now)) return;
        throw new KilledTooLate(
          `${what} went on from ${say(stored)} to ${say(now)} before the kill`,
        );
      }
      if (stored.phase === 'finished' || stored.stage === 'ended') {
        throw new RunEnded(`${what} ended before it came to where the service was to be killed`);
      }
      await sleep(near(stored) ? NEAR_MS : LOOK_MS);
    }
  }

  close(): void {
    this.#database.close();
  }
}

function count(steps: string): number {
  return (JSON.parse(steps) as readonly unknown[]).length;
}

function say({ phase, stage }: Stored): string {
  return stage === undefined ? phase : `${phase} (${stage})`;
}
