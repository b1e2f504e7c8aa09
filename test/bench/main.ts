/** `npm run bench -- NAME [OPTION …]`: measurements that a person asks for. The last line on standard output is JSON. */

interface Bench {
  readonly summary: string;
  run(args: readonly string[], signal: AbortSignal): Promise<void>;
}

const benches: Readonly<Record<string, Bench>> = {
  cluster: {
    summary: 'how long pushes and changes of weights take on a real Kubernetes with Istio',
    run: async (args, signal) => (await import('./cluster/bench.ts')).runClusterBench(args, signal),
  },
  'judge-real': {
    summary: 'real pushes, some of a slower build, judged by the gate and by its peers',
    run: async (args, signal) =>
      (await import('./judge-real/bench.ts')).runJudgeRealBench(args, signal),
  },
  judge: {
    summary: 'how often the judge and its peers are right on simulated traffic',
    run: async (args, signal) => (await import('./judge/bench.ts')).runJudgeBench(args, signal),
  },
  'same-build': {
    summary: 'what two arms with the same build show under the demo’s load',
    run: async (args, signal) =>
      (await import('./same-build/bench.ts')).runSameBuildBench(args, signal),
  },
  sender: {
    summary:
      'whether the sender says what is true, beside autocannon and vegeta, and what it costs',
    run: async (args, signal) => (await import('./sender/bench.ts')).runSenderBench(args, signal),
  },
  service: {
    summary:
      'lists over 100,000 runs, 500 viewers of one run, a queue of 200, on SQLite and PostgreSQL',
    run: async (args, signal) => (await import('./service/bench.ts')).runServiceBench(args, signal),
  },
  swap: {
    summary: 'what swaps of a configuration and changes of weights cost the requests under way',
    run: async (args, signal) => (await import('./swap/bench.ts')).runSwapBench(args, signal),
  },
  'tuner-real': {
    summary: 'the tuner on real nodes from stock, beside what was tuned by hand; then with memory',
    run: async (args, signal) =>
      (await import('./tuner-real/bench.ts')).runTunerRealBench(args, signal),
  },
  tuner: {
    summary:
      'the tuner, cold and warm, beside random search, Optuna’s TPE and a Gaussian process on simulated stacks',
    run: async (args, signal) => (await import('./tuner/bench.ts')).runTunerBench(args, signal),
  },
};

const EXIT_USAGE = 2;
const EXIT_INTERRUPTED = 130;

const [name, ...args] = process.argv.slice(2);
const bench = name === undefined ? undefined : benches[name];
if (bench === undefined) {
  const list = Object.entries(benches).map(([known, { summary }]) => `  ${known}  ${summary}`);
  const unknown = name === undefined ? '' : `bench: no bench "${name}"\n\n`;
  console.error(`${unknown}usage: npm run bench -- NAME [OPTION …]\n\n${list.join('\n')}`);
  process.exitCode = EXIT_USAGE;
} else {
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (!interrupted.signal.aborted) console.error(`bench: ${signal}, clearing up`);
      interrupted.abort(new Error(`interrupted by ${signal}`));
    });
  }
  try {
    await bench.run(args, interrupted.signal);
  } catch (error) {
    console.error(`bench ${name ?? ''}: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = interrupted.signal.aborted ? EXIT_INTERRUPTED : 1;
  }
}
