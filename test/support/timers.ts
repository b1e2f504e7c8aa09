/**
 * How much earlier than asked a timer of Node or the JVM may go off by another clock, in ms: they
 * have ticks of a millisecond, `performance.now()` has not.
 */
export const TIMER_TICK_MS = 2;

/**
 * The same of Envoy, in ms: libevent reads the kernel's coarse clock (Envoy does not set its
 * EVENT_BASE_FLAG_PRECISE_TIMER), which lags by up to one tick: 4 ms at 250 Hz, 10 ms at 100 Hz.
 */
export const ENVOY_TICK_MS = 11;
