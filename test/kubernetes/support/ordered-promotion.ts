/** A promotion that a person orders, looked at while it goes on. */
import { setTimeout as sleep } from 'node:timers/promises';
import { promotionWeights } from '../../../gate-service/src/runs/promotion-watch.ts';
import type { PromotionRecord } from '../../../gate-service/src/runs/records.ts';
import { formerBuild } from '../../support/former-build.ts';
import { SERVICE, type TestGate } from '../../support/gate-fixture.ts';
import { until } from '../../support/processes.ts';

type Weight = (typeof promotionWeights)[number];

/** Deploying and warming, then every step and the take-over. */
const PATIENCE = { withinMs: 600_000, everyMs: 100 };

export class OrderedPromotion {
  readonly #gate: TestGate;
  readonly #id: string;

  private constructor(gate: TestGate, id: string) {
    this.#gate = gate;
    this.#id = id;
  }

  /** Orders what was in force before. */
  static async back(gate: TestGate): Promise<OrderedPromotion> {
    const { build, configurationHash } = await formerBuild(gate);
    const { body, status } = await gate.call<PromotionRecord>(
      'POST',
      `/v1/services/${SERVICE}/promotions`,
      { json: { build, configuration: configurationHash, reason: 'the test wants it back' } },
    );
    if (status !== 202) throw new Error(`the order was refused: ${JSON.stringify(body)}`);
    return new OrderedPromotion(gate, body.id);
  }

  async #now(): Promise<PromotionRecord> {
    return (await this.#gate.call<PromotionRecord>('GET', `/v1/promotions/${this.#id}`)).body;
  }

  /** Resolves when so much of production is to go to the new nodes. @throws Error when it ends before */
  reached(weight: Weight): Promise<PromotionRecord> {
    const before = promotionWeights.indexOf(weight);
    return until(
      `promotion ${this.#id} is at ${weight} %`,
      async () => {
        const now = await this.#now();
        if (now.state !== 'running') throw new Error(`it has ended: ${now.summary ?? now.state}`);
        const moves = now.stage === 'weighting' || now.stage === 'holding';
        return moves && now.steps.length >= before ? now : undefined;
      },
      PATIENCE,
    );
  }

  /**
   * Each share of production that the new nodes are given, at the moment it is, until the promotion goes back or has
   * ended. Shares go unseen while whoever iterates is busy with the one before.
   * @param shareNow what they have now
   */
  async *shares(shareNow: () => Promise<number>): AsyncGenerator<number> {
    let last = 0;
    while (await this.goesOn()) {
      const share = await shareNow();
      if (share > last) yield share;
      last = Math.max(last, share);
      await sleep(PATIENCE.everyMs);
    }
  }

  /** Neither ended nor on its way back, and the new nodes are not in force yet. */
  async goesOn(): Promise<boolean> {
    const { stage, state } = await this.#now();
    return state === 'running' && stage !== 'returning' && stage !== 'draining';
  }

  /** Resolves when it goes back, or has ended. */
  turnedBack(): Promise<PromotionRecord> {
    return until(
      `promotion ${this.#id} goes back, or has ended`,
      async () => {
        const now = await this.#now();
        return now.state !== 'running' || now.stage === 'returning' ? now : undefined;
      },
      PATIENCE,
    );
  }

  ended(): Promise<PromotionRecord> {
    return until(
      `promotion ${this.#id} has ended`,
      async () => {
        const now = await this.#now();
        return now.state === 'running' ? undefined : now;
      },
      PATIENCE,
    );
  }
}
