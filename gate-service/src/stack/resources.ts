/** What one node may use, and what its parts need of it. */

/** Resources of one node: one httpd with one Jetty. */
export interface NodeResources {
  /** CPU cores that Jetty sees (it sizes acceptors, selectors and reserved threads by them). */
  readonly cores: number;
  readonly memoryMiB: number;
  /** Descriptors that the node's processes may hold open together. */
  readonly fileDescriptors: number;
  /** Feature release of the node's JVM: 17, 21, … Absent when unknown, which counts as too old for what is new. */
  readonly javaVersion?: number | undefined;
}

/** First Java with virtual threads that are no preview. */
export const VIRTUAL_THREADS_JAVA = 21;

/** Whether the node's JVM is known to have virtual threads. */
export function hasVirtualThreads({ javaVersion }: NodeResources): boolean {
  return javaVersion !== undefined && javaVersion >= VIRTUAL_THREADS_JAVA;
}

/** Memory of a Jetty besides its thread stacks: the agent starts it with a 256 MiB heap, plus metaspace and code. */
export const JETTY_BASE_MIB = 384;
/** Stack of one Jetty thread on 64-bit Linux (`-Xss` default), reserved whole. */
export const JETTY_THREAD_MIB = 1;
/** One httpd child process besides what it shares with its parent. */
export const HTTPD_CHILD_MIB = 8;
/** httpd's default `AsyncRequestWorkerFactor`; connections may reach (factor + 1) x workers. */
export const ASYNC_REQUEST_WORKER_FACTOR = 2;

/**
 * Threads that one TCP connector of Jetty 12 takes from the pool for good, so that requests never
 * get them: acceptors max(1, min(4, cores / 8)), selectors max(1, min(cores / 2, max / 16)) and
 * reserved threads max(1, min(cores, max / 10)) (AbstractConnector, SelectorManager,
 * ReservedThreadExecutor). `cores` is rounded up, as the JVM does for a container's share.
 */
export function leasedJettyThreads(cores: number, maxThreads: number): number {
  const processors = Math.max(1, Math.ceil(cores));
  const acceptors = Math.max(1, Math.min(4, Math.floor(processors / 8)));
  const selectors = Math.max(1, Math.min(Math.floor(processors / 2), Math.floor(maxThreads / 16)));
  const reserved = Math.max(1, Math.min(processors, Math.floor(maxThreads / 10)));
  return acceptors + selectors + reserved;
}
