/** Port: where the workers of the sender come from. */

export interface FleetRequest {
  /** Service that is measured; undefined when the plan names none. */
  readonly service: string | undefined;
  readonly workers: number;
  /** SHA-256, in hex, of the token by which a worker knows who may tell it what to send. */
  readonly tokenSha256: string;
  /** After so many seconds at the latest nothing of it may run any more, whatever became of us. */
  readonly seconds: number;
}

export interface LaunchedWorker {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

export interface LaunchedFleet {
  /** As many as were asked for. Each listens, or will in a moment. */
  readonly workers: readonly LaunchedWorker[];
  /** Why a worker is no more, as far as its platform knows; never rejects. */
  whyGone(name: string): Promise<string | undefined>;
  /** Nothing of it is left when it resolves. */
  remove(): Promise<void>;
}

export interface WorkerLauncher {
  /** @throws when the workers do not come up, with the reasons; nothing is left then */
  launch(request: FleetRequest, signal: AbortSignal): Promise<LaunchedFleet>;
}
