/** What the judge gets of a stored measurement: the same in the run and whenever it is judged again. */
import type { JudgedMeasurement } from '../judge/measurement.ts';
import type { Measurement } from '../load/sample.ts';
import type { JudgeOptions } from './ports.ts';
import type { MeasurementRecord } from './records.ts';

/** The stored samples with the stored facts about them. */
export function measurementOf(record: MeasurementRecord, stored: Measurement): JudgedMeasurement {
  return {
    ...stored,
    windowsPlanned: record.windowsPlanned,
    ...(record.plantedDelayUs === undefined ? {} : { plantedDelayUs: record.plantedDelayUs }),
    ...(record.cpuSeconds === undefined ? {} : { cpuSeconds: record.cpuSeconds }),
    ...(record.cpuSecondsByWindow === undefined
      ? {}
      : { cpuSecondsByWindow: record.cpuSecondsByWindow }),
    ...(record.capacityByBlock === undefined ? {} : { capacityByBlock: record.capacityByBlock }),
  };
}

/** Options that follow from the measurement alone: where it ended, which arms it compared, its warm-up. */
export function measuredOptions(
  record: MeasurementRecord,
): Pick<JudgeOptions, 'windowsPlanned' | 'look' | 'steady' | 'arms' | 'baseline'> {
  const [reference, subject] = record.arms;
  return {
    windowsPlanned: record.windowsPlanned,
    look: record.stoppedAt ?? record.windowsPlanned,
    steady: record.steady,
    // Without production both names lead to the candidate: only absolute limits can be judged.
    baseline: reference?.armId !== subject?.armId,
    ...(reference === undefined || subject === undefined
      ? {}
      : { arms: { reference: reference.name, subject: subject.name } }),
  };
}
