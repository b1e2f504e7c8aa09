/** A platform with what goes along with it: who sends, who sees traffic, what a node may use. */
import type { Sender } from '../../load/sender.ts';
import type { Platform } from '../../platforms/platform.ts';
import type { NodeResources } from '../../stack/resources.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';

export interface OpenedPlatform {
  readonly platform: Platform;
  readonly sender: Sender;
  readonly telemetry: Telemetry;
  readonly nodeResources: NodeResources;
  /** Pids of this machine that belong to the platform; absent where its processes are elsewhere. */
  readonly ownProcesses?: () => Promise<readonly number[]>;
  /** Starts or adopts what there is, to drive it; again after {@link end}. */
  begin(): Promise<void>;
  /** Lets go of what {@link begin} took; it goes on, and is adopted by whoever drives next. */
  end(): Promise<void>;
  /** Ends what was started for the platform itself; what a cluster has stays. */
  down(): Promise<void>;
  /** After the last call. */
  close(): Promise<void>;
}
