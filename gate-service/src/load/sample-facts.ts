/** The `# key: value` lines of a sample file. Pure. */
import { FieldError, parseAmount, parseCount, parseWindow, quoted } from './sample-fields.ts';
import { FORMAT, isArmName, isMeasurementEnd } from './sample-format.ts';
import type {
  ArmName,
  Measurement,
  MeasurementEnd,
  SenderCounters,
  WindowFitness,
} from './sample.ts';

/** Everything in a file but its samples and the windows' fitness. */
export type FileFacts = Omit<Measurement, 'samples' | 'fitness' | 'windowsPlanned'> & {
  readonly windowsPlanned?: number;
};

/** Gathers the facts as their lines come. When a key is there twice, the last one counts. */
export class FactsReader {
  readonly #fitness: (fitness: WindowFitness) => void;
  #formatSeen = false;
  #windowsPlanned: number | undefined;
  #replacements: number | undefined;
  #plantedDelayUs: number | undefined;
  #steady: boolean | undefined;
  #ended: MeasurementEnd | undefined;
  readonly #cpuSeconds: Partial<Record<ArmName, number>> = {};
  readonly #counters: Partial<Record<keyof SenderCounters, number>> = {};

  constructor(fitness: (fitness: WindowFitness) => void) {
    this.#fitness = fitness;
  }

  get formatSeen(): boolean {
    return this.#formatSeen;
  }

  /**
   * @param line begins with `#`
   * @throws FieldError
   */
  read(line: string): void {
    const match = /^#\s*([A-Za-z0-9-]+):\s*(.*)$/.exec(line);
    const key = match?.[1]?.toLowerCase();
    const value = match?.[2]?.trim() ?? '';
    if (key === 'format') {
      if (value !== FORMAT) {
        throw new FieldError(`format ${quoted(value)} is not known, only ${FORMAT} is`);
      }
      this.#formatSeen = true;
    } else if (!this.#formatSeen) {
      throw new FieldError(`expected "# format: ${FORMAT}" first`);
    } else if (key !== undefined) {
      this.#fact(key, value);
    }
  }

  facts(): FileFacts {
    const counters = this.#completeCounters();
    return {
      ...(this.#windowsPlanned === undefined ? {} : { windowsPlanned: this.#windowsPlanned }),
      ...(this.#replacements === undefined ? {} : { replacements: this.#replacements }),
      ...(counters === undefined ? {} : { counters }),
      ...(this.#plantedDelayUs === undefined ? {} : { plantedDelayUs: this.#plantedDelayUs }),
      ...(this.#steady === undefined ? {} : { steady: this.#steady }),
      ...(this.#ended === undefined ? {} : { ended: this.#ended }),
      ...(Object.keys(this.#cpuSeconds).length === 0 ? {} : { cpuSeconds: this.#cpuSeconds }),
    };
  }

  #completeCounters(): SenderCounters | undefined {
    const { sent, received, inFlight, cpuSeconds } = this.#counters;
    if (sent === undefined || received === undefined) return undefined;
    return { sent, received, inFlight: inFlight ?? 0, cpuSeconds: cpuSeconds ?? 0 };
  }

  #fact(key: string, value: string): void {
    switch (key) {
      case 'windows-planned':
        this.#windowsPlanned = parseCount(key, value);
        if (this.#windowsPlanned < 1) {
          throw new FieldError(`windows-planned is at least 1, got ${value}`);
        }
        break;
      case 'replacements':
        this.#replacements = parseCount(key, value);
        break;
      case 'planted-delay-us':
        this.#plantedDelayUs = parseAmount(key, value);
        break;
      case 'steady':
        if (value !== 'true' && value !== 'false') {
          throw new FieldError(`steady is true or false: ${quoted(value)}`);
        }
        this.#steady = value === 'true';
        break;
      case 'ended':
        if (!isMeasurementEnd(value)) throw new FieldError(`${quoted(value)} is not a way to end`);
        this.#ended = value;
        break;
      case 'sent':
        this.#counters.sent = parseCount(key, value);
        break;
      case 'received':
        this.#counters.received = parseCount(key, value);
        break;
      case 'in-flight':
        this.#counters.inFlight = parseCount(key, value);
        break;
      case 'sender-cpu-seconds':
        this.#counters.cpuSeconds = parseAmount(key, value);
        break;
      case 'arm-cpu-seconds': {
        const [arm = '', seconds = ''] = value.split('=');
        if (!isArmName(arm)) throw new FieldError(`${quoted(arm)} is not an arm`);
        this.#cpuSeconds[arm] = parseAmount(key, seconds);
        break;
      }
      case 'fitness':
        this.#fitness(parseFitness(value));
        break;
      default:
    }
  }
}

function parseFitness(text: string): WindowFitness {
  const fields = new Map(
    text.split(/\s+/).map((field) => {
      const at = field.indexOf('=');
      return [field.slice(0, Math.max(at, 0)), field.slice(at + 1)] as const;
    }),
  );
  const required = (key: string): string => {
    const value = fields.get(key);
    if (value === undefined) throw new FieldError(`fitness without ${key}`);
    return value;
  };
  const amount = (key: string): number => parseAmount(key, required(key));
  const count = (key: string): number => parseCount(key, required(key));
  return {
    window: parseWindow(required('window')),
    latenessP99Us: amount('lateness-p99-us'),
    runQueueShare: amount('run-queue-share'),
    ...(fields.has('foreign-cores') ? { foreignCores: amount('foreign-cores') } : {}),
    sent: count('sent'),
    received: count('received'),
    ...(fields.has('waited') ? { waited: count('waited') } : {}),
    ...(fields.get('contained') === '1' ? { contained: true } : {}),
    ...(fields.has('missing-workers') ? { missingWorkers: count('missing-workers') } : {}),
  };
}
