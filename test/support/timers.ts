/**
 * How much earlier than asked a timer may go off by another clock, in ms: Envoy's, Node's and the
 * JVM's timers have ticks of a millisecond, `performance.now()` has not.
 */
export const TIMER_TICK_MS = 2;
