/** Sample files in the state folder, one folder per run. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readSampleFile } from '../../load/sample-file.ts';
import type { SampleFiles } from '../ports.ts';

export function sampleFilesIn(stateDirectory: string): SampleFiles {
  return {
    async place(runId, attempt) {
      const relative = join('samples', runId, `attempt-${attempt}.csv.gz`);
      const absolute = join(stateDirectory, relative);
      await mkdir(join(stateDirectory, 'samples', runId), { recursive: true });
      return { relative, absolute };
    },
    read: (relative) => readSampleFile(join(stateDirectory, relative)),
  };
}
