/** The commands of Speed Gate. Each is loaded only when it is called, so that a node agent stays small. */

interface Command {
  readonly summary: string;
  run(args: readonly string[]): Promise<void>;
}

const commands: Readonly<Record<string, Command>> = {
  run: {
    summary: 'gate one build of a service on this machine and print the answer',
    run: async (args) => (await import('./commands/run.ts')).run(args),
  },
  serve: {
    summary: 'start the gate service (API and dashboard) with the local platform',
    run: async (args) => (await import('./commands/serve.ts')).serve(args),
  },
  judge: {
    summary: 'judge stored sample files: one line of JSON for each',
    run: async (args) => (await import('./commands/judge.ts')).judge(args),
  },
  plan: {
    summary: 'say how long a threshold takes, or what a given time can show',
    run: async (args) => (await import('./commands/plan.ts')).plan(args),
  },
  tune: {
    summary: 'tune anything: ask for evaluations and take their results, a line of JSON each',
    run: async (args) => (await import('./commands/tune.ts')).tune(args),
  },
  workload: {
    summary: 'make a workload from an access log, check one, or print its schema',
    run: async (args) => (await import('./commands/workload.ts')).workload(args),
  },
  doctor: {
    summary: 'check components, ports, files, rights and the store, and say the remedy',
    run: async (args) => (await import('./commands/doctor.ts')).doctor(args),
  },
  audit: {
    summary: 'verify that nobody has changed the audit',
    run: async (args) => (await import('./commands/audit.ts')).audit(args),
  },
  token: {
    summary: 'make a token, and the line for the identities file',
    run: async (args) => (await import('./commands/token.ts')).token(args),
  },
  demo: {
    summary: 'play three pushes of the sample application against real nodes',
    run: async (args) => (await import('./commands/demo.ts')).demo(args),
  },
  status: {
    summary: 'list the components of the local platform that are running',
    run: async (args) => (await import('./commands/status.ts')).status(args),
  },
  down: {
    summary: 'end all components of the local platform',
    run: async (args) => (await import('./commands/down.ts')).down(args),
  },
  'node-agent': {
    summary: 'supervise the httpd and Jetty of one node (started by the platform)',
    run: async (args) => (await import('./commands/node-agent.ts')).nodeAgent(args),
  },
  sender: {
    summary: 'send a measurement plan read from standard input (started by the service)',
    run: async (args) => (await import('./commands/sender.ts')).sender(args),
  },
};

function usage(): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  const lines = Object.entries(commands).map(
    ([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`,
  );
  return ['usage: npm run speed-gate -- COMMAND [OPTION …]', '', ...lines].join('\n');
}

const [name, ...args] = process.argv.slice(2);
const command = name === undefined ? undefined : commands[name];
if (name === '--help' || name === 'help') {
  console.log(usage());
} else if (command === undefined) {
  console.error(name === undefined ? usage() : `speed-gate: no command "${name}"\n\n${usage()}`);
  process.exitCode = 2;
} else {
  try {
    await command.run(args);
  } catch (error) {
    console.error(
      `speed-gate ${name ?? ''}: ${error instanceof Error ? error.message : String(error)}`,
    );
    if (process.env.SPEED_GATE_DEBUG !== undefined) console.error(error);
    process.exitCode = 1;
  }
}
