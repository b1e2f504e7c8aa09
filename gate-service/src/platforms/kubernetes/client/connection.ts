/** Address, credentials and TLS of an API server, from a kubeconfig or from the pod the gate runs in. */
import { HttpMethod, KubeConfig, RequestContext } from '@kubernetes/client-node';
import { Agent, type Dispatcher } from 'undici';

/** Tokens of pods are renewed on disk: what was read is used for no longer than this. */
const FRESH_MS = 60_000;

export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly dispatcher: Dispatcher;
}

/** Where calls go, and with what. One per API server; to be closed. */
export interface Connection {
  readonly server: string;
  /** @param renew reads the credentials again, for a server that no longer takes the known ones */
  credentials(renew?: boolean): Promise<Credentials>;
  close(): Promise<void>;
}

export interface ConnectionOptions {
  /** Path of a kubeconfig. Absent: `KUBECONFIG` or `~/.kube/config` outside of a pod, the pod's service account inside. */
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  /** Address to use instead of the kubeconfig's (a proxy in front of the API server). */
  readonly server?: string | undefined;
  /** User to act as, e.g. `system:serviceaccount:NAMESPACE:NAME`: the gate's own account may then have no other right. */
  readonly impersonate?: string | undefined;
}

/**
 * Opens nothing yet.
 * @throws Error when there is no such context or cluster
 */
export function connectionOf(options: ConnectionOptions): Connection {
  const config = new KubeConfig();
  if (options.kubeconfig === undefined) config.loadFromDefault();
  else config.loadFromFile(options.kubeconfig);
  if (options.context !== undefined) config.setCurrentContext(options.context);
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    throw new Error(
      `The kubeconfig ${options.kubeconfig ?? '(default)'} has no cluster for its context ${config.getCurrentContext() || '(none)'}.`,
    );
  }
  return new KubeConnection(
    config,
    options,
    (options.server ?? cluster.server).replace(/\/+$/, ''),
  );
}

class KubeConnection implements Connection {
  readonly server: string;
  readonly #config: KubeConfig;
  readonly #impersonation: Readonly<Record<string, string>>;
  #known: (Credentials & { readonly until: number }) | undefined;
  #pending: Promise<Credentials> | undefined;

  constructor(config: KubeConfig, { impersonate }: ConnectionOptions, server: string) {
    this.#config = config;
    this.#impersonation = impersonate === undefined ? {} : { 'Impersonate-User': impersonate };
    this.server = server;
  }

  credentials(renew = false): Promise<Credentials> {
    if (!renew && this.#known !== undefined && performance.now() < this.#known.until) {
      return Promise.resolve(this.#known);
    }
    this.#pending ??= this.#read().finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  async close(): Promise<void> {
    const known = this.#known;
    this.#known = undefined;
    await known?.dispatcher.destroy();
  }

  async #read(): Promise<Credentials> {
    const context = new RequestContext(this.server, HttpMethod.GET);
    // It makes an agent of its own each time: kept here, and closed when its successor is known.
    await this.#config.applySecurityAuthentication(context);
    const former = this.#known;
    const headers = { ...context.getHeaders(), ...this.#impersonation };
    const same =
      former !== undefined &&
      JSON.stringify(former.headers) === JSON.stringify(headers) &&
      headers.Authorization !== undefined;
    const made: Dispatcher | undefined = context.getDispatcher();
    if (same) void made?.close();
    const dispatcher = same ? former.dispatcher : (made ?? new Agent());
    this.#known = { headers, dispatcher, until: performance.now() + FRESH_MS };
    // Calls under way end on the former one; it takes no new ones.
    if (former !== undefined && !same) void former.dispatcher.close();
    return this.#known;
  }
}
