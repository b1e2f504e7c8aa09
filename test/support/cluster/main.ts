/** `npm run cluster -- build|up|down|status`: a real Kubernetes with Istio on this machine, for tests. */
import { interrupt, SetupError } from '../../../resources/components/command.ts';
import { baseImages } from './base-images.ts';
import { clusterDown, clusterUp } from './cluster.ts';
import { gatewayUrl } from './layout.ts';
import { buildPrograms } from './programs.ts';
import { clusterStatus } from './status.ts';

const usage = `npm run cluster -- COMMAND
  build   build Kubernetes, istiod and the images; about 20 CPU minutes the first time
  up      bring cluster and mesh up, or repair them; the path of the kubeconfig is the last line. Needs root
  down    take everything away again. Needs root
  status  what runs; exit code 1 unless all of it does`;

const commands: Readonly<Record<string, () => Promise<void>>> = {
  async build() {
    await baseImages(await buildPrograms());
  },
  async up() {
    const { kubeconfig, programs } = await clusterUp();
    process.stderr.write(
      [
        `cluster: staging ${gatewayUrl('staging')}, production ${gatewayUrl('production')}`,
        `cluster: kubectl ${programs.kubectl}`,
        '',
      ].join('\n'),
    );
    console.log(kubeconfig);
  },
  async down() {
    if (!(await clusterDown())) console.log('there was no cluster');
  },
  async status() {
    const { processes, ready, kubeconfig, urls, up } = await clusterStatus();
    for (const [name, pid] of Object.entries(processes)) {
      console.log(`${name.padEnd(24)} ${pid === undefined ? 'does not run' : `runs, pid ${pid}`}`);
    }
    for (const [name, is] of Object.entries(ready)) {
      console.log(`${name.padEnd(24)} ${is ? 'ready' : 'NOT ready'}`);
    }
    if (up) {
      for (const [name, url] of Object.entries(urls)) console.log(`${name.padEnd(24)} ${url}`);
      console.log(`${'kubeconfig'.padEnd(24)} ${kubeconfig}`);
    } else {
      process.exitCode = 1;
    }
  },
};

const [name = '', ...rest] = process.argv.slice(2);
const command = Object.hasOwn(commands, name) && rest.length === 0 ? commands[name] : undefined;
if (command === undefined) {
  console.error(usage);
  process.exitCode = 2;
} else {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt);
  try {
    await command();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(`cluster: ${error.message}`);
    process.exitCode = 1;
  }
}
