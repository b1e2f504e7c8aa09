/** The stage `Gate` of the repository's own Jenkinsfile: the gate service of this checkout, asked about builds of known speed. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { processesNaming } from '../support/processes.ts';
import { LIBRARY, play, type Played } from '../e2e/pipeline-fixture.ts';

const CHECKOUT = ['.ci', 'gate-service', 'node_modules', 'resources', 'package.json'];

/** Plays the stage in a workspace that shows this checkout; `.speed-gate` is its own. */
async function playStage(text: string): Promise<Played & { readonly left: readonly string[] }> {
  // The interpreter knows no declarative pipelines; the stage calls this function and nothing else.
  const functions = text.slice(0, text.indexOf('\npipeline {')).replace(/^@Library.*$/m, '');
  const token = randomBytes(30).toString('base64url');
  let left: readonly string[] = [];
  const played = await play(`${functions}\nnode { stage('Gate') { gateItself() } }\n`, {
    fill: async (workspace) => {
      for (const name of CHECKOUT) await symlink(join(LIBRARY, name), join(workspace, name));
    },
    empty: async (workspace) => {
      left = processesNaming(workspace);
      if (left.length > 0) await promisify(execFile)('.ci/own-gate', ['stop'], { cwd: workspace });
    },
    environment: { BUILD_TAG: 'jenkins-own-1', ...homes() },
    secrets: { 'speed-gate-own': token },
  });
  expect(played.log).not.toContain(token);
  return { ...played, left };
}

/** Where the set-up keeps its components. */
function homes(): Record<string, string> {
  const { HOME = '', SPEED_GATE_CACHE } = process.env;
  return { HOME, ...(SPEED_GATE_CACHE !== undefined && { SPEED_GATE_CACHE }) };
}

it('knows slow from fast: the stage succeeds and leaves nothing', async () => {
  const text = await readFile(join(LIBRARY, 'Jenkinsfile'), 'utf8');
  const { left, log, result } = await playStage(text);
  expect(result, log).toBe('SUCCESS');
  expect(log).toContain('[speedGate] pass (met): ');
  expect(log).toContain('[speedGate] rollback (breached): ');
  expect(left).toEqual([]);
});
