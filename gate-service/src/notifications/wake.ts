/**
 * Waking a Jenkins job that waits with `waitForWebhook` (webhook-step plugin). The run's request says
 * which configured Jenkins and which of its hooks: never an address. The message says only which run is
 * finished; the job asks the gate for the decision with its own token, so that nobody else can tell it one.
 */
import type { Notice } from '../runs/notifier.ts';
import type { Endpoint, WebhookSettings } from './endpoint.ts';

/** As the plugin makes them (UUID), or a name that a pipeline gave, as it stands in an address. */
const HOOK_TOKEN = /^[A-Za-z0-9_-]{1,100}$/;

/** What a run's request carries of it. */
export interface Wake {
  /** Name of an endpoint of format `jenkins-webhook-step`. */
  readonly endpoint: string;
  /** Token of the hook: `hook.token` in the pipeline. */
  readonly token: string;
}

/** What is wrong with a request's wake, for a person; undefined when it can be done. */
export function wakeProblem(settings: WebhookSettings, wake: Wake): string | undefined {
  const known = settings.endpoints.filter(({ format }) => format === 'jenkins-webhook-step');
  if (known.some(({ name }) => name === wake.endpoint)) return undefined;
  const names = known.map(({ name }) => name).join(', ');
  return `no Jenkins called ${wake.endpoint} can be woken by this service: ${names === '' ? 'its webhooks file has none (format: jenkins-webhook-step)' : `it knows ${names}`}`;
}

/** Body of the message that wakes the job which waits for this run; undefined when none waits there. */
export function wakeMessage(endpoint: string, notice: Notice): string | undefined {
  if (notice.type !== 'decision') return undefined;
  const { id, request } = notice.run;
  if (request.wake?.endpoint !== endpoint) return undefined;
  return JSON.stringify({ run: id, hook: request.wake.token });
}

/**
 * Where a wake message goes, and what of it is sent: the hook's token is in the address only.
 * @throws Error when the stored message is not one
 */
export function wakePost(
  endpoint: Pick<Endpoint, 'url'>,
  stored: string,
): { readonly url: URL; readonly body: string } {
  const { hook, run } = JSON.parse(stored) as { readonly hook?: unknown; readonly run?: unknown };
  if (typeof hook !== 'string' || typeof run !== 'string' || !HOOK_TOKEN.test(hook)) {
    throw new Error('the stored message names no hook');
  }
  const base = endpoint.url.href.replace(/\/*$/, '/');
  return { url: new URL(`webhook-step/${hook}`, base), body: JSON.stringify({ run }) };
}
