/**
 * vegeta: open loop, the version that Debian 12's Go builds. A Go module, checked against go.sum; built
 * once and kept in the cache.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { nearestRank } from '../../../gate-service/src/load/nearest-rank.ts';
import { cacheFolder } from '../../../gate-service/src/settings/components.ts';
import { entry } from '../../../resources/components/cache.ts';
import { run } from '../../../resources/components/command.ts';
import { installPackages, requireApt, type Missing } from '../../../resources/components/debian.ts';
import { whichAll } from '../../../resources/components/machine.ts';
import { step } from '../../../resources/components/progress.ts';
import { bytesOf, outputOf } from './program.ts';
import { FIRST_SECONDS, type Tool } from './tool.ts';

const MODULE = fileURLToPath(new URL('vegeta', import.meta.url));
const PACKAGE = 'github.com/tsenart/vegeta/v12';
const VERSION = '12.8.4';

/** @throws when Go is missing and may not be installed, or the module cannot be had */
export async function installVegeta(): Promise<string> {
  const name = `vegeta-${VERSION}`;
  const binary = path.join(cacheFolder(), name, 'vegeta');
  if (existsSync(binary)) return binary;
  await step(`vegeta ${VERSION}`, 'the bench of the sender', async () => {
    const go = await findGo();
    await entry(cacheFolder(), name, async (folder) => {
      const output = path.join(folder, 'vegeta');
      await run(go, ['build', '-mod=readonly', '-trimpath', '-o', output, PACKAGE], {
        cwd: MODULE,
        env: { ...process.env, GOTOOLCHAIN: 'local', GO111MODULE: 'on' },
      });
    });
  });
  return binary;
}

async function findGo(): Promise<string> {
  const [go] = whichAll('go');
  if (go !== undefined) return go;
  const missing: Missing[] = [
    { problem: 'Go', whatFor: 'building vegeta for the bench', packages: ['golang-go'] },
  ];
  await requireApt(missing);
  await installPackages(missing);
  return whichAll('go')[0] ?? 'go';
}

export function vegetaTool(binary: string): Tool {
  return {
    name: 'vegeta',
    run: async ({ connections, perSecond, port, seconds, signal }) => {
      const input = `GET http://127.0.0.1:${port}/read\n`;
      const attack = await bytesOf(
        binary,
        [
          ...['attack', `-rate=${perSecond}/1s`, `-duration=${seconds}s`],
          ...[`-connections=${connections}`, '-http2=false', '-timeout=10s'],
        ],
        { input, signal },
      );
      const csv = await outputOf(binary, ['encode', '-to=csv'], { input: attack, signal });
      return summarise(csv);
    },
  };
}

/** Columns of its CSV: time sent (ns since 1970), status, latency (ns), … */
function summarise(csv: string): { p50Us: number; p99Us: number; failed: number } {
  const rows = csv
    .trim()
    .split('\n')
    .map((line) => line.split(',').slice(0, 3).map(Number) as [number, number, number]);
  const first = rows.reduce((least, [at]) => Math.min(least, at), Infinity);
  const looked = rows
    .filter(([at, status]) => status === 200 && at - first > FIRST_SECONDS * 1e9)
    .map(([, , latency]) => latency / 1000);
  return {
    p50Us: nearestRank(looked, 0.5),
    p99Us: nearestRank(looked, 0.99),
    failed: rows.filter(([, status]) => status !== 200).length,
  };
}
