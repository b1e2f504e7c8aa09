/** Watches components and starts a dead one again, with growing pauses when it keeps dying. */
import type { Component } from './component.ts';
import type { PlatformLog } from './log.ts';
import { messageOf } from '../wait-until.ts';

const EVERY_MS = 300;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

interface Watched {
  readonly component: Component;
  failures: number;
  notBefore: number;
  busy: boolean;
}

export class Supervisor {
  readonly #watched = new Map<string, Watched>();
  readonly #log: PlatformLog;
  /** False while components shall not be started, e.g. because somebody ended the platform. */
  readonly #allowed: () => boolean;
  #timer: NodeJS.Timeout | undefined;

  constructor(log: PlatformLog, allowed: () => boolean) {
    this.#log = log;
    this.#allowed = allowed;
  }

  watch(component: Component): void {
    this.#watched.set(component.definition.name, {
      component,
      failures: 0,
      notBefore: 0,
      busy: false,
    });
  }

  unwatch(component: Component): void {
    this.#watched.delete(component.definition.name);
  }

  start(): void {
    this.#timer ??= setInterval(() => {
      this.#look();
    }, EVERY_MS).unref();
  }

  /** Ends the watch; what is watched goes on running. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    if (!this.#allowed()) return;
    for (const watched of this.#watched.values()) {
      if (watched.busy || performance.now() < watched.notBefore) continue;
      watched.busy = true;
      void this.#heal(watched).finally(() => {
        watched.busy = false;
      });
    }
  }

  async #heal(watched: Watched): Promise<void> {
    const { component } = watched;
    try {
      if (await component.isRunning()) {
        watched.failures = 0;
        return;
      }
      // Unwatched, or the platform ended, while we looked.
      if (this.#watched.get(component.definition.name) !== watched || !this.#allowed()) return;
      this.#log.warn(`${component.definition.title} is not running: starting it again`);
      await component.ensureRunning();
      this.#log.info(`${component.definition.title} is running again`);
      // One that dies at once again must not be started in a tight loop.
      watched.notBefore = performance.now() + FIRST_PAUSE_MS;
    } catch (error) {
      const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** watched.failures);
      watched.failures += 1;
      watched.notBefore = performance.now() + pause;
      this.#log.warn(`${messageOf(error)}\nTrying again in ${pause / 1000} s.`);
    }
  }
}
