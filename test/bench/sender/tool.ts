/** What the bench asks of a tool. */

/** What is to be sent. */
export interface Load {
  readonly port: number;
  /** Requests per second. */
  readonly perSecond: number;
  /** Whole seconds, the first one included. */
  readonly seconds: number;
  readonly connections: number;
  readonly signal: AbortSignal;
}

/** The first second of each load opens connections and compiles code; it is not looked at. */
export const FIRST_SECONDS = 1;

export interface ToolResult {
  readonly p50Us: number;
  readonly p99Us: number;
  /** Requests that got no answer of 200, as far as the tool says so. */
  readonly failed: number;
  /** When each request was meant to leave, ascending, microseconds from any moment; an even schedule when absent. */
  readonly intendedUs?: readonly number[];
  /** What the tool says of itself, largest of its windows. */
  readonly ownLatenessP99Us?: number;
  /** Windows that the gate would drop, and of how many. */
  readonly unfitWindows?: number;
  readonly windows?: number;
  /** Of the windows that the gate would count; the other quantiles are of all. */
  readonly counted?: { readonly p50Us: number; readonly p99Us: number };
}

export interface Tool {
  readonly name: string;
  /** Sends the load from processes below this one. @throws when the tool fails or `signal` aborts */
  run(load: Load): Promise<ToolResult>;
}
