/** Settings of the gate service from environment and settings file: read once, checked whole, every mistake said at once. */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { missingFor, platformSettings, type PlatformSettings } from './platform-settings.ts';
import { SETTING_KEYS, settingsSchema, variableOf } from './settings.ts';
import type { ListenAddress, SettingKey } from './settings.ts';
import { parseSettingsFile } from './settings-file.ts';
import type { FileSettings } from './settings-file.ts';

export type { PlatformSettings } from './platform-settings.ts';
export type { ListenAddress } from './settings.ts';

export interface Settings {
  /** Not SPEED_GATE_PORT: Kubernetes sets a variable of that name for a Service called speed-gate. */
  readonly listen: ListenAddress;
  /** Absolute path: database, builds, samples, records of processes. */
  readonly stateDirectory: string;
  readonly catalogueFile: string;
  /** Absent: nobody but the health checks gets in. */
  readonly identitiesFile?: string;
  /** Absent: nobody is told. */
  readonly webhooksFile?: string;
  /** PostgreSQL; absent: SQLite in the state folder. Holds a password: not for logs. */
  readonly databaseUrl?: string;
  /** Where the proxies of the local platform listen, on loopback; 0: any free port. */
  readonly ports: { readonly staging: number; readonly production: number };
  readonly platform: PlatformSettings;
  /** Where spans of runs go over OTLP/HTTP; absent: nowhere. */
  readonly otlpUrl?: string;
  /** Largest build, in MiB. */
  readonly maxBuildMiB: number;
  /** How long samples are kept, in days. */
  readonly retentionDays: number;
  /** Most requests of one caller in a minute. */
  readonly requestsPerMinute: number;
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
  /** How long open requests get to end at shutdown, in seconds. */
  readonly drainSeconds: number;
  /** What was given and means nothing, one sentence each: worth a line in the log. */
  readonly warnings: readonly string[];
}

/** Some settings are wrong; `problems` has a line for each. */
export class SettingsError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(
      `the settings cannot be used:\n${problems.map((problem) => `  - ${problem}`).join('\n')}\n` +
        'Correct these environment variables, or lines of the settings file, and start again.',
    );
    this.name = 'SettingsError';
    this.problems = problems;
  }
}

type Environment = Readonly<Record<string, string | undefined>>;
export type ReadText = (file: string) => string;

const FILE_VARIABLE = 'SPEED_GATE_SETTINGS';
/** The identities file's name from before it held issuers. */
const FORMER_IDENTITIES = 'SPEED_GATE_TOKENS_FILE';
/** Read elsewhere, by pipelines, set-up and the commands' errors. */
const OTHERS = ['SPEED_GATE_CACHE', 'SPEED_GATE_DEBUG', 'SPEED_GATE_URL', 'SPEED_GATE_TOKEN'];
/** Secrets of webhooks have the names that the webhooks file gives them. */
const OF_WEBHOOKS = 'SECRET';
/** Set by Kubernetes for a Service called speed-gate. */
const OF_KUBERNETES = /^SPEED_GATE_(SERVICE_|PORT(_|$))/;

const readText: ReadText = (file) => readFileSync(file, 'utf8');

/**
 * Reads the settings: the environment comes before the file that `SPEED_GATE_SETTINGS` names. An empty
 * variable counts as unset. Values are never repeated in an error: somebody may have put a secret into the
 * wrong place.
 * @throws SettingsError with every mistake of both
 */
export function readSettings(environment: Environment, read: ReadText = readText): Settings {
  const problems: string[] = [];
  const { nameOf, values: texts } = collect(environment, read, problems);
  const result = settingsSchema.safeParse(texts);
  if (!result.success) {
    for (const issue of result.error.issues) {
      problems.push(`${nameOf(issue.path[0] as SettingKey)}: ${issue.message}`);
    }
  }
  for (const key of missingFor(texts)) {
    problems.push(`${nameOf(key)}: is required on platform kubernetes`);
  }
  if (!result.success || problems.length > 0) throw new SettingsError(problems);
  const values = result.data;
  const { identitiesFile, webhooksFile, databaseUrl, otlpUrl } = values;
  return {
    listen: values.listen,
    stateDirectory: resolve(values.state ?? defaultStateDirectory(environment)),
    catalogueFile: resolve(values.catalogue),
    ...(identitiesFile !== undefined && { identitiesFile: resolve(identitiesFile) }),
    ...(webhooksFile !== undefined && { webhooksFile: resolve(webhooksFile) }),
    ...(databaseUrl !== undefined && { databaseUrl }),
    ports: { staging: values.stagingPort, production: values.productionPort },
    platform: platformSettings(values),
    ...(otlpUrl !== undefined && { otlpUrl }),
    maxBuildMiB: values.maxBuildMib,
    retentionDays: values.retentionDays,
    requestsPerMinute: values.requestsPerMinute,
    logLevel: values.logLevel,
    drainSeconds: values.drainSeconds,
    warnings: unknownVariables(environment),
  };
}

/**
 * The state folder alone, for commands that need no more.
 * @throws SettingsError when it may be in a settings file that cannot be read: the default would be another one
 */
export function stateDirectoryOf(environment: Environment, read: ReadText = readText): string {
  const own = given(environment, variableOf('state'));
  if (own !== undefined) return resolve(own);
  const { problems, values } = settingsFile(environment, read);
  if (problems.length > 0) throw new SettingsError(problems);
  return resolve(values.state ?? defaultStateDirectory(environment));
}

const DATABASE_FILE = 'speed-gate.sqlite';

/**
 * Which database the service has. @param state a folder that was named to a command: the database is the file in it
 * @throws SettingsError when anything says where it is and cannot be read
 */
export function storePlaceOf(
  environment: Environment,
  state?: string,
  read: ReadText = readText,
): { readonly file: string } | { readonly url: string } {
  if (state !== undefined) return { file: join(resolve(state), DATABASE_FILE) };
  const problems: string[] = [];
  const { nameOf, values } = collect(environment, read, problems);
  const url = settingsSchema.shape.databaseUrl.safeParse(values.databaseUrl);
  for (const { message } of url.error?.issues ?? []) {
    problems.push(`${nameOf('databaseUrl')}: ${message}`);
  }
  if (problems.length > 0) throw new SettingsError(problems);
  return url.data === undefined
    ? { file: join(stateDirectoryOf(environment, read), DATABASE_FILE) }
    : { url: url.data };
}

interface Given {
  readonly values: Partial<Record<SettingKey, string>>;
  /** What the person called it. */
  readonly nameOf: (key: SettingKey) => string;
}

/** An empty variable counts as unset. */
function given(environment: Environment, name: string): string | undefined {
  const value = environment[name];
  return value === '' ? undefined : value;
}

function attemptTo(
  read: ReadText,
  name: string,
  file: string,
  problems: string[],
): string | undefined {
  try {
    return read(file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    problems.push(`${name}: the file cannot be read (${code})`);
    return undefined;
  }
}

function settingsFile(environment: Environment, read: ReadText): FileSettings {
  const file = given(environment, FILE_VARIABLE);
  if (file === undefined) return { values: {}, problems: [] };
  const problems: string[] = [];
  const text = attemptTo(read, FILE_VARIABLE, resolve(file), problems);
  return text === undefined ? { values: {}, problems } : parseSettingsFile(text, file);
}

function collect(environment: Environment, read: ReadText, problems: string[]): Given {
  const variable = (name: string) => given(environment, name);
  const file = variable(FILE_VARIABLE);
  const fromFile = settingsFile(environment, read);
  problems.push(...fromFile.problems);

  const values: Partial<Record<SettingKey, string>> = { ...fromFile.values };
  const names = new Map<SettingKey, string>();
  for (const key of SETTING_KEYS) {
    const own = variable(variableOf(key));
    if (own !== undefined) values[key] = own;
    const inFile = own === undefined && fromFile.values[key] !== undefined;
    names.set(key, inFile ? `${file ?? ''} ${key}` : variableOf(key));
  }

  const former = variable(FORMER_IDENTITIES);
  if (former !== undefined) {
    if (variable(variableOf('identitiesFile')) !== undefined) {
      problems.push(
        `${FORMER_IDENTITIES}: is the former name of SPEED_GATE_IDENTITIES_FILE: set one`,
      );
    }
    values.identitiesFile = former;
    names.set('identitiesFile', FORMER_IDENTITIES);
  }

  // A secret in a file of its own keeps it out of process lists and images.
  if (values.databaseUrlFile !== undefined) {
    const name = names.get('databaseUrlFile') ?? 'databaseUrlFile';
    if (values.databaseUrl !== undefined) {
      problems.push(`${name}: ${names.get('databaseUrl') ?? ''} is set as well: set one`);
    } else {
      const url = attemptTo(read, name, resolve(values.databaseUrlFile), problems)?.trim();
      if (url !== undefined) {
        values.databaseUrl = url;
        names.set('databaseUrl', name);
      }
    }
  }
  return { values, nameOf: (key) => names.get(key) ?? key };
}

function unknownVariables(environment: Environment): string[] {
  const known = new Set([
    ...SETTING_KEYS.map(variableOf),
    ...OTHERS,
    FILE_VARIABLE,
    FORMER_IDENTITIES,
  ]);
  return Object.keys(environment)
    .filter((name) => name.startsWith('SPEED_GATE_') && !known.has(name))
    .filter((name) => !OF_KUBERNETES.test(name) && !name.includes(OF_WEBHOOKS))
    .sort()
    .map((name) => `the environment variable ${name} is none of this service: it has no effect`);
}

/** `speed-gate` in `$XDG_STATE_HOME` or `~/.local/state` (XDG base directory specification). */
export function defaultStateDirectory(environment: Environment): string {
  const xdg = environment.XDG_STATE_HOME;
  const base = xdg?.startsWith('/') === true ? xdg : join(homedir(), '.local', 'state');
  return join(base, 'speed-gate');
}
