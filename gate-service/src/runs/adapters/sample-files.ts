/** Sample files in the state folder, one folder per run. */
import { mkdir, rm, rmdir } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
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
    async remove(relative) {
      const file = join(stateDirectory, relative);
      if (!file.startsWith(join(stateDirectory, 'samples') + sep)) {
        throw new Error(`${relative} is not below the folder of samples: it stays`);
      }
      await rm(file, { force: true });
      // The run's folder goes with its last attempt.
      await rmdir(dirname(file)).catch(() => undefined);
    },
  };
}
