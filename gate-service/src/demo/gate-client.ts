import type { RunInShort, RunView } from '../runs/run.ts';
import type { ServiceView } from '../runs/run-service.ts';

/** The demo as a user of the API; nothing here knows the service's insides. */
export class GateClient {
  readonly #url: string;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  async isReady(): Promise<boolean> {
    try {
      return (await fetch(`${this.#url}/readyz`)).ok;
    } catch {
      return false;
    }
  }

  service(name: string): Promise<ServiceView> {
    return this.#json(`/v1/services/${name}`);
  }

  /** The newest run of a service with this label. */
  async runLabelled(service: string, label: string): Promise<RunView> {
    const page = await this.#json<{ items: RunInShort[] }>(`/v1/runs?service=${service}&limit=50`);
    const run = page.items.find((one) => one.label === label);
    if (run === undefined) throw new Error(`the gate knows no run of ${service} ${label}`);
    return this.#json(`/v1/runs/${run.id}`);
  }

  /** The stored sample file, gzip. */
  async samples(run: string): Promise<Buffer> {
    const response = await this.#get(`/v1/runs/${run}/samples`);
    return Buffer.from(await response.arrayBuffer());
  }

  async #json<T>(path: string): Promise<T> {
    return (await (await this.#get(path)).json()) as T;
  }

  async #get(path: string): Promise<Response> {
    const response = await fetch(`${this.#url}${path}`, {
      headers: { authorization: `Bearer ${this.#token}` },
    });
    if (!response.ok) {
      throw new Error(`GET ${path} answered ${String(response.status)}: ${await response.text()}`);
    }
    return response;
  }
}
