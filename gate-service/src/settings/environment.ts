/** Settings of the gate service from `SPEED_GATE_*`: read once, checked whole, every mistake said at once. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';

export interface ListenAddress {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

export interface Settings {
  /** Not SPEED_GATE_PORT: Kubernetes sets a variable of that name for a Service called speed-gate. */
  readonly listen: ListenAddress;
  /** Absolute path: database, builds, samples, records of processes. */
  readonly stateDirectory: string;
  readonly catalogueFile: string;
  /** Absent: nobody but the health checks gets in. */
  readonly tokensFile?: string;
  /** Where the proxies of the local platform listen, on loopback; 0: any free port. */
  readonly ports: { readonly staging: number; readonly production: number };
  /** Largest build, in MiB. */
  readonly maxBuildMiB: number;
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
  /** How long open requests get to end at shutdown, in seconds. */
  readonly drainSeconds: number;
}

/** Some variables are wrong; `problems` has a line for each. */
export class SettingsError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(
      `the settings cannot be used:\n${problems.map((problem) => `  - ${problem}`).join('\n')}\n` +
        'Correct these environment variables and start again.',
    );
    this.name = 'SettingsError';
    this.problems = problems;
  }
}

const listenSchema = z.string().transform((text, context): ListenAddress => {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:\s]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65_535) {
    context.addIssue({
      code: 'custom',
      message: 'expected HOST:PORT, e.g. 127.0.0.1:7080 or [::1]:7080',
    });
    return z.NEVER;
  }
  return { host, port };
});

const number = (least: number, most: number, unit: string) =>
  z
    .string()
    .regex(/^\d+(\.\d+)?$/, `expected a number of ${unit}`)
    .transform(Number)
    .pipe(z.number().min(least, `at least ${least} ${unit}`).max(most, `at most ${most} ${unit}`));

const port = z
  .string()
  .regex(/^\d{1,5}$/, 'expected a port, 0 to 65535')
  .transform(Number)
  .pipe(z.number().max(65_535, 'a port is at most 65535'));

const schema = z.object({
  SPEED_GATE_LISTEN: listenSchema.prefault('127.0.0.1:7080'),
  SPEED_GATE_STATE: z.string().optional(),
  SPEED_GATE_CATALOGUE: z.string('is required: the path of the service catalogue (YAML)'),
  SPEED_GATE_TOKENS_FILE: z.string().optional(),
  SPEED_GATE_STAGING_PORT: port.prefault('7081'),
  SPEED_GATE_PRODUCTION_PORT: port.prefault('7082'),
  SPEED_GATE_MAX_BUILD_MIB: number(1, 16_384, 'MiB').prefault('512'),
  SPEED_GATE_LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info'),
  SPEED_GATE_DRAIN_SECONDS: number(0, 600, 'seconds').prefault('10'),
});

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the settings. An empty variable counts as unset. Values are never repeated in an error: somebody may
 * have put a secret into the wrong variable.
 * @throws SettingsError with every wrong variable
 */
export function readSettings(environment: Environment): Settings {
  const given = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  );
  const result = schema.safeParse(given);
  if (!result.success) {
    throw new SettingsError(
      result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`),
    );
  }
  const values = result.data;
  return {
    listen: values.SPEED_GATE_LISTEN,
    stateDirectory: resolve(values.SPEED_GATE_STATE ?? defaultStateDirectory(environment)),
    catalogueFile: resolve(values.SPEED_GATE_CATALOGUE),
    ...(values.SPEED_GATE_TOKENS_FILE !== undefined && {
      tokensFile: resolve(values.SPEED_GATE_TOKENS_FILE),
    }),
    ports: {
      staging: values.SPEED_GATE_STAGING_PORT,
      production: values.SPEED_GATE_PRODUCTION_PORT,
    },
    maxBuildMiB: values.SPEED_GATE_MAX_BUILD_MIB,
    logLevel: values.SPEED_GATE_LOG_LEVEL,
    drainSeconds: values.SPEED_GATE_DRAIN_SECONDS,
  };
}

/** `speed-gate` in `$XDG_STATE_HOME` or `~/.local/state` (XDG base directory specification). */
export function defaultStateDirectory(environment: Environment): string {
  const xdg = environment.XDG_STATE_HOME;
  const base = xdg?.startsWith('/') === true ? xdg : join(homedir(), '.local', 'state');
  return join(base, 'speed-gate');
}
