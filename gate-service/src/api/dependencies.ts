/** What the application is made of; the composition root hands it in. */
import type { FastifyBaseLogger } from 'fastify';
import type { RunService } from '../runs/run-service.ts';
import type { BuildFiles } from '../store/build-files.ts';
import type { Store } from '../store/store.ts';
import type { IdentitySource } from './identity/identity-source.ts';

export type ApiStore = Pick<
  Store,
  | 'build'
  | 'saveBuild'
  | 'run'
  | 'attempts'
  | 'measurement'
  | 'measurements'
  | 'judgement'
  | 'judgements'
  | 'appendAudit'
  | 'audit'
  | 'ping'
  | 'finishedCounts'
  | 'phaseCounts'
  | 'finishedSince'
>;

export interface AppDependencies {
  readonly runs: RunService;
  readonly store: ApiStore;
  readonly buildFiles: BuildFiles;
  /** Knows callers by their tokens. */
  readonly tokens: IdentitySource;
  /** Absolute path; sample files are named relative to it. */
  readonly stateDirectory: string;
  /** Largest build in bytes: refused by its announced length already. */
  readonly maxBuildBytes: number;
  /** How long open requests get to end when the application closes, in milliseconds; default 10,000. */
  readonly drainMs?: number;
  readonly logger?: FastifyBaseLogger;
  readonly now?: () => Date;
}
