/** The SQLite file of a running gate service, read beside it: what is stored at this very moment. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { TestGate } from '../support/gate-fixture.ts';

/** Where a run is, and its promotion if it has one. */
export interface Stored {
  readonly phase: string;
  readonly stage: string | undefined;
  /** Weights of the promotion whose steps have ended. */
  readonly steps: number;
}

const LOOK_MS = 20;

export class GateDatabase {
  readonly #database: DatabaseSync;

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
    const steps = row.steps === null ? [] : (JSON.parse(row.steps) as readonly unknown[]);
    return { phase: row.phase, stage: row.stage ?? undefined, steps: steps.length };
  }

  /** Where the first promotion of all is; undefined before there is one. */
  firstPromotion(): string | undefined {
    const row = this.#database
      .prepare('select stage from promotions order by created_at limit 1')
      .get() as { stage: string } | undefined;
    return row?.stage;
  }

  /** How many changes of the world have no outcome. */
  openIntents(): number {
    const row = this.#database
      .prepare('select count(*) as open from intents where outcome is null')
      .get() as { open: number };
    return row.open;
  }

  /**
   * Kills the service in the turn in which the run is seen there.
   * @param near from when on it is looked without pause, for what lasts a few milliseconds only
   * @throws Error when the run ends before, or went on before the service was dead
   */
  async killAt(
    gate: TestGate,
    id: string,
    at: (stored: Stored) => boolean,
    near: (stored: Stored) => boolean = () => false,
  ): Promise<Stored> {
    for (;;) {
      const stored = this.run(id);
      if (at(stored)) {
        process.kill(gate.servicePid, 'SIGKILL');
        await gate.killService();
        const now = this.run(id);
        if (!at(now)) {
          throw new Error(`the run went on from ${say(stored)} to ${say(now)} before the kill`);
        }
        return now;
      }
      if (stored.phase === 'finished') throw new Error('the run ended before it was there');
      await (near(stored) ? nextTurn() : sleep(LOOK_MS));
    }
  }

  close(): void {
    this.#database.close();
  }
}

function say({ phase, stage }: Stored): string {
  return stage === undefined ? phase : `${phase} (${stage})`;
}
