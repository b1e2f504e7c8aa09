/** Constants of both renderings that are no knobs, so that Envoy and Istio say the same. */

/** Retries fire only where nothing reached the application, so that any method may be tried again. */
export const RETRY_ON = ['reset-before-request', 'connect-failure', 'refused-stream'] as const;
export const RETRY_BACK_OFF = { baseMs: 5, maxMs: 50 } as const;
/** How often another node is looked for before a further try goes to one already tried: istiod's constant. */
export const HOST_SELECTION_ATTEMPTS = 5;
/** "No limit" where the plan sets none: Envoy's own defaults (1024 requests, 3 retries) are limits. */
export const UNLIMITED = 4_294_967_295;

/**
 * Below this share of healthy nodes all of them are tried: any healthy node takes all traffic, and
 * only when none is left are all tried.
 */
export const PANIC_PERCENT = 1;

/** Active health check of the real path: a dead node is out after two checks, and back after one. */
export const HEALTH_CHECK = {
  intervalMs: 500,
  timeoutMs: 1000,
  unhealthyThreshold: 2,
  healthyThreshold: 1,
  /** Answers from 200 up to, not including, this count as healthy: the same as an agent's readiness. */
  statusBelow: 400,
} as const;

/** Bodies of the answers to requests that no route takes. */
export const NOT_FOUND_BODY = {
  host: 'Speed Gate: no service is known under this Host.\n',
  arm: 'Speed Gate: no arm is routed for this request; it carries no arm header that is known here.\n',
} as const;
