/** Chains that kubelet, kube-proxy and the network plugins keep in the firewall, and their removal. */
import { spawn } from 'node:child_process';
import { run, SetupError, tryRun } from '../../../resources/components/command.ts';

const families = ['iptables', 'ip6tables'] as const;
type Family = (typeof families)[number];
const OURS = /^(?:KUBE|CNI)-/;

/** Rules and chains of one table, as iptables-save writes them. */
interface Table {
  readonly name: string;
  readonly chains: readonly string[];
  readonly rules: readonly string[];
}

/** Names of the chains, each as `family table chain`. */
export async function foreignChains(): Promise<readonly string[]> {
  const found: string[] = [];
  for (const family of families) {
    for (const { name, chains } of await tablesOf(family)) {
      const ours = chains.filter((chain) => OURS.test(chain));
      found.push(...ours.map((chain) => `${family} ${name} ${chain}`));
    }
  }
  return found;
}

/** Removes the chains and every rule that leads to them, a table at a time and each at once; nothing else is touched. */
export async function removeChains(): Promise<void> {
  for (const family of families) {
    const commands = (await tablesOf(family)).flatMap(removalOf);
    if (commands.length > 0) await restore(family, `${commands.join('\n')}\n`);
  }
}

/** Input for `iptables-restore --noflush` that takes our chains out of a table; nothing when it has none. */
export function removalOf({ name, chains, rules }: Table): readonly string[] {
  const ours = chains.filter((chain) => OURS.test(chain));
  if (ours.length === 0) return [];
  const jumps = rules.filter((rule) => {
    const [, chain = ''] = /^-A (\S+) /.exec(rule) ?? [];
    // A comment may say anything.
    const [, target = ''] = / -[jg] (\S+)/.exec(rule.replace(/"(?:\\.|[^"\\])*"/g, '""')) ?? [];
    return !OURS.test(chain) && OURS.test(target);
  });
  return [
    `*${name}`,
    ...jumps.map((rule) => rule.replace(/^-A/, '-D')),
    ...ours.map((chain) => `-F ${chain}`),
    ...ours.map((chain) => `-X ${chain}`),
    'COMMIT',
  ];
}

/** Reads what iptables-save prints. */
export function parseTables(text: string): readonly Table[] {
  return text
    .split(/^\*/m)
    .slice(1)
    .map((part) => {
      const [name = '', ...lines] = part.split('\n');
      return {
        name: name.trim(),
        chains: lines.flatMap((line) => /^:(\S+) /.exec(line)?.[1] ?? []),
        rules: lines.filter((line) => line.startsWith('-A ')),
      };
    });
}

async function tablesOf(family: Family): Promise<readonly Table[]> {
  // A kernel without IPv6 has nothing to clean there.
  if (family === 'ip6tables' && (await tryRun('ip6tables-save', [])).code !== 0) return [];
  return parseTables((await run(`${family}-save`, [])).stdout);
}

async function restore(family: Family, input: string): Promise<void> {
  const child = spawn(`${family}-restore`, ['--noflush', '--wait'], {
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
  child.stdin.end(input);
  const code = await new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exit) => {
      resolve(exit ?? 1);
    });
  });
  if (code !== 0) throw new SetupError(`${family}-restore failed: ${complaint.trim()}`);
}
