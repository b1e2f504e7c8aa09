/** Gathers the sender's lines and writes them in pieces, so that a request does not cost a system call. */
import {
  FORMAT,
  formatCounters,
  formatFitness,
  formatMetadata,
  formatSample,
  HEADER,
  type Metadata,
} from './sample-format.ts';
import type { Sample, SenderCounters, WindowFitness } from './sample.ts';

const PIECE_BYTES = 16_384;

export class SampleOutput {
  readonly #write: (text: string) => void;
  #text = '';

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  start(metadata: Metadata, remarks: readonly string[]): void {
    const lines = [`# format: ${FORMAT}`, ...formatMetadata(metadata), ...remarks, HEADER];
    this.#text += `${lines.join('\n')}\n`;
    this.flush();
  }

  sample(sample: Sample): void {
    this.#text += `${formatSample(sample)}\n`;
    if (this.#text.length > PIECE_BYTES) this.flush();
  }

  /** A window's last line: all its samples are before it. */
  window(fitness: WindowFitness): void {
    this.#text += `${formatFitness(fitness)}\n`;
    this.flush();
  }

  /** A line that readers of the file pass over. */
  remark(line: string): void {
    this.#text += `${line}\n`;
    this.flush();
  }

  /** Facts that become known meanwhile; of a key that is there twice, the last one counts. */
  facts(metadata: Metadata): void {
    for (const line of formatMetadata(metadata)) this.remark(line);
  }

  finish(counters: SenderCounters, metadata: Metadata): void {
    const lines = [...formatCounters(counters), ...formatMetadata(metadata)];
    this.#text += `${lines.join('\n')}\n`;
    this.flush();
  }

  flush(): void {
    if (this.#text === '') return;
    this.#write(this.#text);
    this.#text = '';
  }
}
