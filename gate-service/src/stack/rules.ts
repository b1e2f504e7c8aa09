/**
 * The cross-layer rules that every stack configuration obeys, as named predicates. Numbers in
 * comments are those of the project's list of rules; 9 and 10 speak of a mesh plan
 * (`mesh/rules.ts`), 11 of a step between two configurations (`step-rule.ts`).
 */
import type { Constraint } from '../optimizer/space/knob-space.ts';
import type { StackValues } from './knobs.ts';
import {
  ASYNC_REQUEST_WORKER_FACTOR,
  HTTPD_CHILD_MIB,
  JETTY_BASE_MIB,
  JETTY_THREAD_MIB,
  VIRTUAL_THREADS_JAVA,
  hasVirtualThreads,
  leasedJettyThreads,
} from './resources.ts';
import type { NodeResources } from './resources.ts';

type Rule = Constraint<StackValues, NodeResources>;

/** Longest pause that the proxy makes before a further try; `mesh/envoy` renders it as the back-off's cap. */
export const RETRY_BACK_OFF_MAX_MS = 50;
/** Least distance between the last use of a kept connection and the receiver's closing of it. */
export const KEEP_ALIVE_MARGIN_MS = 1000;
/** Most tries that one request may become over all layers. */
export const MAX_TRIES = 3;

const children = (v: StackValues): number =>
  Math.ceil(v['httpd.maxRequestWorkers'] / v['httpd.threadsPerChild']);
const connectionsToJetty = (v: StackValues): number => children(v) * v['proxy.max'];
const threadsForRequests = (v: StackValues, r: NodeResources): number =>
  v['jetty.maxThreads'] - leasedJettyThreads(r.cores, v['jetty.maxThreads']);
const descriptors = (v: StackValues): number =>
  (ASYNC_REQUEST_WORKER_FACTOR + 1) * v['httpd.maxRequestWorkers'] + connectionsToJetty(v);
const memoryMiB = (v: StackValues): number =>
  JETTY_BASE_MIB + v['jetty.maxThreads'] * JETTY_THREAD_MIB + children(v) * HTTPD_CHILD_MIB;
const triesTimeMs = (v: StackValues): number =>
  (1 + v['mesh.retries']) * v['mesh.perTryTimeout'] + v['mesh.retries'] * RETRY_BACK_OFF_MAX_MS;

/** Rule 1, first hop: the proxy lets go of an idle connection before httpd closes it. */
const proxyIdleBelowHttpdKeepAlive: Rule = {
  name: 'proxy-idle-below-httpd-keep-alive',
  holds: (v) => !v['httpd.keepAlive'] || v['mesh.idleTimeout'] < v['httpd.keepAliveTimeout'],
  message: (v) =>
    `mesh.idleTimeout (${v['mesh.idleTimeout']} ms) must be below httpd.keepAliveTimeout ` +
    `(${v['httpd.keepAliveTimeout']} ms), or the proxy sends requests on connections that httpd is just closing.`,
};

/** Rules 1 (second hop) and 2: httpd lets go of an idle connection before Jetty closes it. */
const proxyTtlBelowJettyIdle: Rule = {
  name: 'proxy-ttl-below-jetty-idle',
  holds: (v) => v['proxy.ttl'] * 1000 < v['jetty.idleTimeout'],
  message: (v) =>
    `proxy.ttl (${v['proxy.ttl']} s) must be below jetty.idleTimeout (${v['jetty.idleTimeout']} ms), ` +
    'or httpd sends requests on connections that Jetty is just closing.',
};

/**
 * Rule 3: a lost race between httpd and Jetty closes the client's connection without an answer
 * (AH01102), so the order of rule 2 needs room for a request already under way.
 */
const jettyIdleMargin: Rule = {
  name: 'jetty-idle-margin',
  holds: (v) => v['jetty.idleTimeout'] - v['proxy.ttl'] * 1000 >= KEEP_ALIVE_MARGIN_MS,
  message: (v) =>
    `jetty.idleTimeout (${v['jetty.idleTimeout']} ms) must be at least ${KEEP_ALIVE_MARGIN_MS} ms above proxy.ttl ` +
    `(${v['proxy.ttl']} s), or a request that is just under way is lost with its connection.`,
};

/** Rule 4: the route's deadline holds all tries with their pauses. */
const timeoutHoldsAllTries: Rule = {
  name: 'timeout-holds-all-tries',
  holds: (v) => v['mesh.retries'] === 0 || v['mesh.timeout'] >= triesTimeMs(v),
  message: (v) =>
    `mesh.timeout (${v['mesh.timeout']} ms) must be at least ${triesTimeMs(v)} ms: ` +
    `${1 + v['mesh.retries']} tries of mesh.perTryTimeout (${v['mesh.perTryTimeout']} ms) and ${RETRY_BACK_OFF_MAX_MS} ms before each further one.`,
};

/** Rule 4: the innermost deadline is the shortest. */
const innerDeadlinesShorter: Rule = {
  name: 'inner-deadlines-shorter',
  holds: (v) => Math.max(v['proxy.acquire'], v['mesh.connectTimeout']) < tryDeadlineMs(v),
  message: (v) =>
    `proxy.acquire (${v['proxy.acquire']} ms) and mesh.connectTimeout (${v['mesh.connectTimeout']} ms) must be below ` +
    `the deadline of a try (${tryDeadlineMs(v)} ms), or the outer deadline hides what really failed.`,
};

/** Rule 5: the proxy is the only layer that tries again (httpd's `retry` is a pause, not a try). */
const triesBounded: Rule = {
  name: 'tries-bounded',
  holds: (v) => 1 + v['mesh.retries'] <= MAX_TRIES,
  message: (v) =>
    `mesh.retries (${v['mesh.retries']}) makes up to ${1 + v['mesh.retries']} tries of one request; at most ${MAX_TRIES} over all layers.`,
};

/** Rule 6: Jetty has a thread for every connection that httpd may open to it; virtual ones are as many. */
const jettyCarriesHttpd: Rule = {
  name: 'jetty-carries-httpd',
  holds: (v, r) => connectionsToJetty(v) <= threadsForRequests(v, r),
  message: (v, r) =>
    `httpd may open ${connectionsToJetty(v)} connections to Jetty (${children(v)} children with proxy.max ${v['proxy.max']}), ` +
    `but jetty.maxThreads (${v['jetty.maxThreads']}) leaves ${threadsForRequests(v, r)} threads for requests; raise jetty.maxThreads or lower proxy.max.`,
};

const jettyMinBelowMax: Rule = {
  name: 'jetty-min-below-max',
  holds: (v) => v['jetty.minThreads'] <= v['jetty.maxThreads'],
  message: (v) =>
    `jetty.minThreads (${v['jetty.minThreads']}) must not exceed jetty.maxThreads (${v['jetty.maxThreads']}); Jetty would raise the maximum silently.`,
};

/** Jetty's module for them starts on no older JVM. */
const virtualThreadsNeedJava: Rule = {
  name: 'virtual-threads-need-java-21',
  holds: (v, r) => !v['jetty.virtualThreads'] || hasVirtualThreads(r),
  message: (_, r) =>
    `jetty.virtualThreads needs Java ${VIRTUAL_THREADS_JAVA} or newer, but the node has ` +
    `${r.javaVersion === undefined ? 'a JVM of unknown version' : `Java ${r.javaVersion}`}; leave it off, or set the node up with a newer JDK.`,
};

/** Rule 7, with httpd's own limits, which it would clamp silently. */
const workersMultipleOfChild: Rule = {
  name: 'workers-multiple-of-child',
  holds: (v) => v['httpd.maxRequestWorkers'] % v['httpd.threadsPerChild'] === 0,
  message: (v) =>
    `httpd.maxRequestWorkers (${v['httpd.maxRequestWorkers']}) must be a multiple of httpd.threadsPerChild (${v['httpd.threadsPerChild']}).`,
};

const childrenWithinHalfServerLimit: Rule = {
  name: 'children-within-half-server-limit',
  holds: (v) => 2 * children(v) <= v['httpd.serverLimit'],
  message: (v) =>
    `httpd.serverLimit (${v['httpd.serverLimit']}) must be at least ${2 * children(v)}, twice the ${children(v)} children, ` +
    'or the old and the new generation do not fit side by side during a graceful restart.',
};

const childWithinThreadLimit: Rule = {
  name: 'child-within-thread-limit',
  holds: (v) => v['httpd.threadsPerChild'] <= v['httpd.threadLimit'],
  message: (v) =>
    `httpd.threadsPerChild (${v['httpd.threadsPerChild']}) must not exceed httpd.threadLimit (${v['httpd.threadLimit']}).`,
};

const startWithinWorkers: Rule = {
  name: 'start-within-workers',
  holds: (v) => v['httpd.startServers'] <= children(v),
  message: (v) =>
    `httpd.startServers (${v['httpd.startServers']}) must not exceed the ${children(v)} children that httpd.maxRequestWorkers allows.`,
};

const spareThreadsApart: Rule = {
  name: 'spare-threads-apart',
  holds: (v) =>
    v['httpd.maxSpareThreads'] >= v['httpd.minSpareThreads'] + v['httpd.threadsPerChild'] + 1,
  message: (v) =>
    `httpd.maxSpareThreads (${v['httpd.maxSpareThreads']}) must be at least httpd.minSpareThreads + httpd.threadsPerChild + 1 ` +
    `(${v['httpd.minSpareThreads'] + v['httpd.threadsPerChild'] + 1}), or httpd starts and ends children for ever.`,
};

const minSpareWithinWorkers: Rule = {
  name: 'min-spare-within-workers',
  holds: (v) => v['httpd.minSpareThreads'] <= v['httpd.maxRequestWorkers'],
  message: (v) =>
    `httpd.minSpareThreads (${v['httpd.minSpareThreads']}) must not exceed httpd.maxRequestWorkers (${v['httpd.maxRequestWorkers']}).`,
};

/** Rule 8. */
const descriptorsWithinLimit: Rule = {
  name: 'descriptors-within-limit',
  holds: (v, r) => descriptors(v) <= r.fileDescriptors,
  message: (v, r) =>
    `The node may need ${descriptors(v)} file descriptors (${ASYNC_REQUEST_WORKER_FACTOR + 1} per httpd worker and ${connectionsToJetty(v)} to Jetty) but has ${r.fileDescriptors}.`,
};

const memoryWithinLimit: Rule = {
  name: 'memory-within-limit',
  holds: (v, r) => memoryMiB(v) <= r.memoryMiB,
  message: (v, r) =>
    `The node may need ${memoryMiB(v)} MiB (Jetty ${JETTY_BASE_MIB} MiB and ${JETTY_THREAD_MIB} MiB per thread, ${HTTPD_CHILD_MIB} MiB per httpd child) but has ${r.memoryMiB} MiB.`,
};

/** All cross-layer rules of one configuration. */
export const STACK_RULES: readonly Rule[] = Object.freeze([
  proxyIdleBelowHttpdKeepAlive,
  proxyTtlBelowJettyIdle,
  jettyIdleMargin,
  timeoutHoldsAllTries,
  innerDeadlinesShorter,
  triesBounded,
  jettyCarriesHttpd,
  jettyMinBelowMax,
  virtualThreadsNeedJava,
  workersMultipleOfChild,
  childrenWithinHalfServerLimit,
  childWithinThreadLimit,
  startWithinWorkers,
  spareThreadsApart,
  minSpareWithinWorkers,
  descriptorsWithinLimit,
  memoryWithinLimit,
]);

function tryDeadlineMs(v: StackValues): number {
  return v['mesh.retries'] === 0 ? v['mesh.timeout'] : v['mesh.perTryTimeout'];
}
