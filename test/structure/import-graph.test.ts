import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { readImportGraph, type Arrow, type ImportGraph } from './import-graph.ts';

const everything = '*';

/** Which rooms a room may import; the design's arrows. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  main: [everything],
  commands: [everything],
  demo: [everything],
  api: ['runs', 'store', 'settings', 'judge', 'load', 'stack'],
  controller: ['runs', 'platforms', 'telemetry', 'optimizer', 'stack', 'store'],
  runs: ['platforms', 'load', 'telemetry', 'optimizer', 'judge', 'stack', 'store', 'settings'],
  load: ['statistics', 'processes'],
  platforms: ['node-agent', 'mesh', 'stack', 'processes'],
  'node-agent': ['stack', 'processes'],
  telemetry: ['node-agent'],
  judge: ['statistics', 'load'],
  optimizer: ['statistics'],
  stack: ['optimizer'],
  settings: ['judge', 'load', 'stack'],
  notifications: ['settings'],
  store: [],
  mesh: [],
  statistics: [],
  processes: [],
};

/** Arrows that are narrower than room to room: what may be reached inside the other room. */
const onlyInto: Readonly<Record<string, RegExp>> = {
  'stack>optimizer': /^optimizer\/space\//,
  'judge>load': /^load\/sample\.ts$/,
  'platforms>node-agent': /^node-agent\/(client|protocol)\.ts$/,
  'telemetry>node-agent': /^node-agent\/(client|protocol)\.ts$/,
  // One grammar of files, and one word on what is this machine.
  'notifications>settings': /^settings\/(loopback|yaml-document)\.ts$/,
};

/** Ports that an adapter may name in an `import type`: no arrow by the design. */
const portFiles: Readonly<Record<string, RegExp>> = {
  store: /^(runs|settings|judge|load)\//,
  telemetry: /^(runs|platforms|judge)\//,
  judge: /^telemetry\/telemetry\.ts$/,
  platforms: /^(load|runs|settings)\//,
  notifications: /^runs\/(notifier|records|run-store)\.ts$/,
};

/** Ports that declare errors for their adapters to throw: those are values, so the import is one at run time. */
const portsWithErrors: Readonly<Record<string, RegExp>> = {
  store: /^runs\/run-store\.ts$/,
};

const pureRooms = ['judge', 'statistics', 'optimizer', 'stack', 'mesh'];
const inputOutput =
  /^(node:(fs|net|http|https|http2|child_process|dgram|worker_threads|os|timers)(\/|$)|undici$|fastify|kysely|autocannon)/;

function forbidden(graph: ImportGraph): string[] {
  const against = (arrow: Arrow): string | undefined => {
    const targets = allowed[arrow.fromRoom];
    if (targets === undefined) return `room ${arrow.fromRoom} is not in the design`;
    if (targets.includes(everything)) return undefined;
    if (arrow.typeOnly && portFiles[arrow.fromRoom]?.test(arrow.toFile) === true) return undefined;
    if (portsWithErrors[arrow.fromRoom]?.test(arrow.toFile) === true) return undefined;
    if (!targets.includes(arrow.toRoom)) return `${arrow.fromRoom} may not import ${arrow.toRoom}`;
    const narrow = onlyInto[`${arrow.fromRoom}>${arrow.toRoom}`];
    if (narrow !== undefined && !narrow.test(arrow.toFile)) {
      return `${arrow.fromRoom} may import only ${narrow.source} of ${arrow.toRoom}`;
    }
    return undefined;
  };
  return [
    ...graph.arrows.flatMap((arrow) => {
      const reason = against(arrow);
      return reason === undefined ? [] : [`${arrow.fromFile} -> ${arrow.toFile}: ${reason}`];
    }),
    ...graph.outside
      .filter(({ room, module }) => pureRooms.includes(room) && inputOutput.test(module))
      .map(({ file, module }) => `${file} -> ${module}: a pure room does no input or output`),
  ];
}

/** Rooms that reach each other in a circle, by arrows that count at run time. */
function circles(graph: ImportGraph): string[] {
  const next = new Map<string, Set<string>>();
  for (const { fromRoom, toRoom, typeOnly } of graph.arrows) {
    if (typeOnly) continue;
    next.set(fromRoom, (next.get(fromRoom) ?? new Set()).add(toRoom));
  }
  const found: string[] = [];
  const walk = (room: string, path: readonly string[]): void => {
    if (path.includes(room)) {
      found.push([...path.slice(path.indexOf(room)), room].join(' -> '));
      return;
    }
    for (const target of next.get(room) ?? []) walk(target, [...path, room]);
  };
  for (const room of next.keys()) walk(room, []);
  return found;
}

describe('the import graph of the gate service', () => {
  const graph = readImportGraph('gate-service/src');

  it('was read at all', () => {
    expect(graph.files.length).toBeGreaterThan(10);
    expect(graph.arrows.length).toBeGreaterThan(10);
  });

  it('has no arrow against the design', () => {
    expect(forbidden(graph)).toEqual([]);
  });

  it('has no circle between rooms', () => {
    const belowMain = {
      ...graph,
      arrows: graph.arrows.filter(
        ({ fromRoom }) => allowed[fromRoom]?.includes(everything) !== true,
      ),
    };
    expect(circles(belowMain)).toEqual([]);
  });
});

describe('the check itself', () => {
  const folders: string[] = [];
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
  });
  const graphOf = (files: Readonly<Record<string, string>>): ImportGraph => {
    const folder = mkdtempSync(join(tmpdir(), 'import-graph-'));
    folders.push(folder);
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(join(folder, file, '..'), { recursive: true });
      writeFileSync(join(folder, file), text);
    }
    return readImportGraph(folder);
  };

  it('finds an arrow against the design', () => {
    const graph = graphOf({
      'judge/a.ts': "import { b } from '../store/b.ts';",
      'store/b.ts': 'export const b = 1;',
    });
    expect(forbidden(graph)).toEqual(['judge/a.ts -> store/b.ts: judge may not import store']);
  });

  it('finds input and output in a pure room, also behind a dynamic import', () => {
    const graph = graphOf({ 'stack/a.ts': "export const a = await import('node:fs');" });
    expect(forbidden(graph)).toEqual([
      'stack/a.ts -> node:fs: a pure room does no input or output',
    ]);
  });

  it('finds a circle that allowed arrows would form', () => {
    const graph = graphOf({
      'load/a.ts': "import { b } from '../statistics/b.ts';",
      'statistics/b.ts': "import { a } from '../load/a.ts';",
    });
    expect(circles(graph)).toContain('load -> statistics -> load');
  });

  it('lets an adapter name the type of its port', () => {
    const graph = graphOf({
      'store/a.ts': "import type { RunStore } from '../runs/run-store.ts';",
      'runs/run-store.ts': 'export interface RunStore { a: 1 }',
    });
    expect(forbidden(graph)).toEqual([]);
  });

  it('refuses a room that the design does not know', () => {
    const graph = graphOf({
      'helpers/a.ts': "import { b } from '../judge/b.ts';",
      'judge/b.ts': 'export const b = 1;',
    });
    expect(forbidden(graph)).toEqual([
      'helpers/a.ts -> judge/b.ts: room helpers is not in the design',
    ]);
  });
});
