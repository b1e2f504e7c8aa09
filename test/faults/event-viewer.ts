/** Somebody who watches a run's event stream on one replica. */
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import type { TestGate } from '../support/gate-fixture.ts';

export class EventViewer {
  /** Sequences in the order in which they came. */
  readonly sequences: number[] = [];
  readonly types: string[] = [];
  readonly #response: IncomingMessage;
  readonly #ended: Promise<unknown>;

  private constructor(response: IncomingMessage) {
    this.#response = response;
    this.#ended = once(response, 'close');
    let rest = '';
    response.setEncoding('utf8').on('data', (text: string) => {
      const blocks = (rest + text).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) this.#take(block);
    });
  }

  /** @throws Error unless the stream begins */
  static async open(gate: TestGate, runId: string): Promise<EventViewer> {
    const request = get(`${gate.url}/v1/runs/${runId}/events`, {
      headers: { accept: 'text/event-stream', authorization: `Bearer ${gate.token}` },
    });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    if (response.statusCode !== 200) {
      response.resume();
      throw new Error(`the event stream answered ${String(response.statusCode)}`);
    }
    return new EventViewer(response);
  }

  /** Resolves when the service has ended the stream. */
  async ended(): Promise<void> {
    await this.#ended;
  }

  close(): void {
    this.#response.destroy();
  }

  #take(block: string): void {
    const id = /^id: (\d+)$/m.exec(block)?.[1];
    if (id === undefined) return;
    this.sequences.push(Number(id));
    this.types.push(/^event: (.*)$/m.exec(block)?.[1] ?? '');
  }
}
