/** Runs on a machine that the cluster shares with whatever sends: asked for again until they show something. */
import { expect } from 'vitest';
import type { BuildReference } from '../../../gate-service/src/platforms/platform.ts';
import type { RunRequest, RunView } from '../../../gate-service/src/runs/run.ts';

/** Of the quick profile, where a busy machine may make a measurement invalid or inconclusive. */
const TRIES = 3;

/** A gate that takes runs of its one service. */
export interface RunTaker {
  submit(asked: Partial<RunRequest> & { readonly build: string }): Promise<string>;
  finished(id: string): Promise<RunView>;
}

/** Runs the build until the measurement is good enough for a decision of this cause; what came before must be harmless. */
export async function decided(
  gate: RunTaker,
  { digest, location }: BuildReference,
  wanted: Pick<RunView, 'decision' | 'cause'>,
  request: Partial<RunRequest> = {},
): Promise<RunView> {
  const build = `${location}@sha256:${digest}`;
  for (let attempt = 1; ; attempt += 1) {
    const run = await gate.finished(await gate.submit({ build, promote: 'auto', ...request }));
    console.log(
      `${run.decision} (${run.cause}): ${run.summary}\n${run.phases.map(({ phase, seconds }) => `${phase} ${seconds.toFixed(1)} s`).join(', ')}`,
    );
    if (run.decision === wanted.decision && run.cause === wanted.cause) return run;
    expect(['invalid', 'inconclusive'], run.summary).toContain(run.cause);
    // Without the right to make the sender's Job nothing is measured either, and no repetition helps.
    expect(run.summary).not.toContain('may not');
    expect(run.decision).toBe('rollback');
    expect(attempt).toBeLessThan(TRIES);
  }
}
