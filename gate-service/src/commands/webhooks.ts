/** Wires notifications: the webhooks file, the store, and the process that sends. */
import { readFile } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { WakeProblem } from '../api/operations/wake.ts';
import { parseWebhooks } from '../notifications/endpoint.ts';
import type { WebhookSettings } from '../notifications/endpoint.ts';
import { Notifications } from '../notifications/notifications.ts';
import { wakeProblem } from '../notifications/wake.ts';
import { processName } from '../processes/process-name.ts';
import type { Notifier } from '../runs/notifier.ts';
import type { Store } from '../store/store.ts';

export interface Webhooks {
  /** What is wrong with a request's wake. */
  readonly wakeProblem: WakeProblem;
  /** Who hears of decisions; sends from the start on. Call it once. */
  notifier(store: Store): Notifier;
  /** Call it before the store is closed. */
  stop(): Promise<void>;
}

/**
 * @param file absent: nobody is told anything
 * @throws DocumentError with every mistake; Error when the file cannot be read
 */
export async function openWebhooks(file: string | undefined, log: Logger): Promise<Webhooks> {
  const settings = file === undefined ? { endpoints: [] } : await readWebhooks(file);
  let notifications: Notifications | undefined;
  return {
    wakeProblem: (wake) => wakeProblem(settings, wake),
    notifier(store) {
      notifications = new Notifications({
        store,
        settings,
        holder: processName(),
        attempted: ({ attempts, endpoint, id, lastAnswer, state, subject, type }, milliseconds) => {
          const line = { endpoint, delivery: id, type, subject, state, attempts };
          const words = `webhook ${endpoint}: ${lastAnswer ?? 'no answer'}`;
          if (state === 'delivered') log.info({ ...line, milliseconds }, words);
          else log.warn({ ...line, milliseconds }, words);
        },
        problem: (error) => {
          log.error({ err: error }, 'webhook messages cannot be stored or sent: it is tried again');
        },
      });
      notifications.start();
      return notifications;
    },
    async stop() {
      await notifications?.stop();
    },
  };
}

/** @throws DocumentError with every mistake; Error when the file cannot be read */
export async function readWebhooks(file: string): Promise<WebhookSettings> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new Error(
      `the webhooks file ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
  return parseWebhooks(text, file);
}
