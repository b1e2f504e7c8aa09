/** Gathers samples by window until the sender closes it. Pure. */
import type { SampleSink } from './sample-parser.ts';
import type { Sample, WindowFitness } from './sample.ts';
import type { SenderListener } from './sender.ts';

export class WindowCollector implements SampleSink {
  readonly #listener: SenderListener;
  readonly #open = new Map<number, Sample[]>();

  constructor(listener: SenderListener) {
    this.#listener = listener;
  }

  sample(sample: Sample): void {
    const samples = this.#open.get(sample.window);
    if (samples === undefined) this.#open.set(sample.window, [sample]);
    else samples.push(sample);
  }

  /** The sender writes it after the last sample of the window. */
  fitness(fitness: WindowFitness): void {
    const samples = this.#open.get(fitness.window) ?? [];
    this.#open.delete(fitness.window);
    this.#listener.window({ window: fitness.window, samples, fitness });
  }
}
