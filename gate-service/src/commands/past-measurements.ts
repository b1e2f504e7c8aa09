/** Past measurements to plan from: sample files, or a service's stored runs. */
import path from 'node:path';
import type { JudgedMeasurement } from '../judge/measurement.ts';
import type { ComparedArms } from '../judge/windows.ts';
import { readSampleFile } from '../load/sample-file.ts';
import type { MeasurementRecord } from '../runs/records.ts';
import { measurementOf } from '../runs/stored-measurement.ts';
import type { Store } from '../store/store.ts';
import { openToLook, stateOption } from './state-option.ts';

export interface PastMeasurement {
  readonly name: string;
  readonly measurement: JudgedMeasurement;
  readonly arms: ComparedArms;
}

/** @throws SampleFileError for a file that cannot be read */
export async function* measurementsInFiles(
  files: readonly string[],
): AsyncGenerator<PastMeasurement> {
  for (const file of files) {
    yield {
      name: file,
      measurement: await readSampleFile(file),
      arms: { reference: 'baseline', subject: 'candidate' },
    };
  }
}

/**
 * The newest comparisons of a service, newest first; those whose sample file is gone are passed over and
 * said to `skipped`.
 * @param state as `--state` gave it
 * @throws Error when there is no gate service's database, or no run of the service in it
 */
export async function* measurementsOfService(
  service: string,
  state: string | undefined,
  skipped: (sentence: string) => void,
): AsyncGenerator<PastMeasurement> {
  const stateDirectory = stateOption(state);
  const store = await openToLook(state);
  try {
    let found = false;
    for await (const record of comparisons(store, service)) {
      found = true;
      const [reference, subject] = record.arms;
      if (reference === undefined || subject === undefined) continue;
      try {
        const stored = await readSampleFile(path.join(stateDirectory, record.file));
        yield {
          name: `run ${record.runId}, attempt ${record.attempt}`,
          measurement: measurementOf(record, stored),
          arms: { reference: reference.name, subject: subject.name },
        };
      } catch (error) {
        skipped(error instanceof Error ? error.message : String(error));
      }
    }
    if (!found) throw new Error(`no measurement of a service ${service} in ${store.location}`);
  } finally {
    await store.close();
  }
}

/** Two arms of one service against each other; not a first build, whose two names lead to one arm. */
async function* comparisons(store: Store, service: string): AsyncGenerator<MeasurementRecord> {
  let cursor: string | undefined;
  do {
    const page = await store.runs(
      { service },
      { limit: 50, ...(cursor === undefined ? {} : { cursor }) },
    );
    for (const { id } of page.items) {
      for (const record of (await store.measurements(id)).toReversed()) {
        const [reference, subject] = record.arms;
        if (record.purpose !== 'tuning' && reference?.armId !== subject?.armId) yield record;
      }
    }
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}
