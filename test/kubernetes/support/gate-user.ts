/** A gate somewhere, as a user with a token sees it. */
import { request } from 'undici';
import type { RunRequest, RunView } from '../../../gate-service/src/runs/run.ts';
import type { ServiceView } from '../../../gate-service/src/runs/run-service.ts';
import { SERVICE } from '../../support/gate-fixture.ts';
import { until } from '../../support/processes.ts';

const RUN_MS = 600_000;

export class GateUser {
  readonly url: string;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.url = url;
    this.#token = token;
  }

  /**
   * Over a connection of its own: while kube-proxy puts a Service's rules in place, a connection may come out
   * where this machine's other traffic goes, be answered there, and would be used again and again.
   * @throws Error when nobody answers
   */
  async status(path: string): Promise<number> {
    const options = { headersTimeout: 5000, reset: true };
    const { body, statusCode } = await request(`${this.url}${path}`, options);
    await body.dump();
    return statusCode;
  }

  /** A quick run without tuning unless told; its id. */
  async submit(asked: Partial<RunRequest> & Pick<RunRequest, 'build'>) {
    const json = { service: SERVICE, profile: 'quick', tune: 'off', promote: 'never', ...asked };
    return (await this.#json<RunView>('/v1/runs', json)).id;
  }

  service(name: string): Promise<ServiceView> {
    return this.#json(`/v1/services/${name}`);
  }

  finished(id: string, signal?: AbortSignal): Promise<RunView> {
    return until(
      `run ${id} has its decision`,
      async () => {
        signal?.throwIfAborted();
        const run = await this.#json<RunView>(`/v1/runs/${id}`);
        return run.phase === 'finished' ? run : undefined;
      },
      { withinMs: RUN_MS, everyMs: 250 },
    );
  }

  /** The stored sample file, gzip. */
  async samples(id: string): Promise<Buffer> {
    return Buffer.from(await (await this.#answer(`/v1/runs/${id}/samples`)).arrayBuffer());
  }

  async #json<Body>(path: string, json?: unknown): Promise<Body> {
    return (await (await this.#answer(path, json)).json()) as Body;
  }

  async #answer(path: string, json?: unknown) {
    const { body, statusCode } = await request(`${this.url}${path}`, {
      method: json === undefined ? 'GET' : 'POST',
      headers: {
        authorization: `Bearer ${this.#token}`,
        ...(json !== undefined && { 'content-type': 'application/json' }),
      },
      body: json === undefined ? null : JSON.stringify(json),
    });
    if (statusCode >= 300) {
      throw new Error(`${path} answered ${statusCode}: ${await body.text()}`);
    }
    return body;
  }
}
