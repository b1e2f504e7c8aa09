/** What the application is made of; the composition root hands it in. */
import type { FastifyBaseLogger } from 'fastify';
import type { PlatformKind } from '../settings/platform-settings.ts';
import type { RunService } from '../runs/run-service.ts';
import type { BuildFiles } from '../store/build-files.ts';
import type { Store } from '../store/store.ts';
import type { IdentitySource } from './identity/identity-source.ts';
import type { WakeProblem } from './operations/wake.ts';

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
  | 'promotionCounts'
  | 'overrideCounts'
  | 'deliveryCounts'
  | 'oldestQueued'
  | 'deliveries'
  | 'saveDelivery'
>;

export interface AppDependencies {
  readonly runs: RunService;
  readonly store: ApiStore;
  readonly buildFiles: BuildFiles;
  /** Where builds run: WARs are uploaded for `local`, the default; images for `kubernetes` are not. */
  readonly platform?: PlatformKind;
  /** Knows callers by their tokens. */
  readonly tokens: IdentitySource;
  /** Absolute path; sample files are named relative to it. */
  readonly stateDirectory: string;
  /** Largest build in bytes: refused by its announced length already. */
  readonly maxBuildBytes: number;
  /** How long open requests get to end when the application closes, in milliseconds; default 10,000. */
  readonly drainMs?: number;
  /** Most requests of one caller in a minute; without it there is no limit. */
  readonly requestsPerMinute?: number;
  /** Lets anybody on this machine in without a token; only for a service that listens on loopback alone. */
  readonly insecureLoopback?: boolean;
  /** How long a JSON body may take to arrive, in milliseconds; default 30,000. */
  readonly bodyTimeoutMs?: number;
  readonly logger?: FastifyBaseLogger;
  /** What is wrong with a request's wake; absent: nobody can be woken. */
  readonly wakeProblem?: WakeProblem;
  readonly now?: () => Date;
}
