/** A Jenkinsfile that calls the step, run on the pipeline's interpreter against a test's gate. */
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { runPipeline, type PipelineResult } from '../../gate-service/src/demo/pipeline.ts';
import { components, type TestGate } from '../support/gate-fixture.ts';

const LIBRARY = join(import.meta.dirname, '../..');

export interface Played {
  readonly result: PipelineResult;
  /** What the person at the build's log reads. */
  readonly log: string;
}

/**
 * @param step the call, e.g. `speedGate(service: 'checkout', build: 'app.war')`
 * @param war file that lies in the workspace as `app.war`
 */
export function playPipeline(
  gate: TestGate,
  step: string,
  war: string,
  token = gate.token,
): Promise<Played> {
  return playJenkinsfile(gate, `node {\n    stage('Gate') {\n        ${step}\n    }\n}\n`, war, {
    token,
  });
}

export interface PlayOptions {
  /** Of the credential `speed-gate`; the gate's own unless told. */
  readonly token?: string;
  readonly onLine?: (line: string) => void;
}

/** @param war file that lies in the workspace as `app.war` */
export async function playJenkinsfile(
  gate: TestGate,
  text: string,
  war: string,
  { token = gate.token, onLine }: PlayOptions = {},
): Promise<Played> {
  const folder = await mkdtemp(join(tmpdir(), 'speed-gate-pipeline-'));
  const workspace = join(folder, 'workspace');
  try {
    await mkdir(workspace);
    await copyFile(war, join(workspace, 'app.war'));
    const jenkinsfile = join(folder, 'Jenkinsfile');
    await writeFile(jenkinsfile, text);
    const lines: string[] = [];
    const result = await runPipeline({
      java: components.java.path,
      classpathDir: components.pipelineLibraries.classpathDir,
      library: LIBRARY,
      workspace,
      jenkinsfile,
      environment: { SPEED_GATE_URL: gate.url, BUILD_TAG: 'jenkins-test-1' },
      secrets: { 'speed-gate': token },
      onLine: (line) => {
        lines.push(line);
        onLine?.(line);
      },
      signal: AbortSignal.timeout(540_000),
    });
    return { result, log: lines.join('\n') };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
