/** Which replica drives: it alone starts the platform, changes the world and moves runs and promotions. */

/** Name of the lease that the driver holds. */
export const DRIVER_LEASE = 'driver';

/** Who drives, as this replica last knew it. */
export interface Driving {
  /** This replica does. */
  readonly here: boolean;
  /** Name of the process that does; absent while nobody is known to. */
  readonly holder?: string;
}

/** Says right before each change of the world that this process may still make it. */
export interface Fence {
  /**
   * Asked of the store, not remembered.
   * @returns the holder and the fencing token, which rises with every new holder
   * @throws DrivingLost; errors of the store
   */
  confirm(): Promise<{ readonly holder: string; readonly token: number }>;
  /**
   * Remembered, not asked: for right after something that may have taken long since {@link confirm}.
   * @throws DrivingLost
   */
  requireTime(): void;
}
