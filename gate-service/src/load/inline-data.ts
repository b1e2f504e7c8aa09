/** From a workload file to a run's workload: each request gets the columns that it asks for. Pure. */
import { columnsIn } from './placeholders.ts';
import { project, type DataTable } from './workload-data.ts';
import type { DataSource, WorkloadFile } from './workload-schema.ts';

/**
 * Reads a file that a workload names.
 * @throws Error that says what is wrong with it
 */
export type ReadData = (name: string, order: DataTable['order']) => DataTable;

export interface DataProblem {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** Data of a request goes before that of the workload; requests without placeholders get none. */
export function inlineData(
  { data, ...workload }: WorkloadFile,
  readData: ReadData,
): { readonly workload: unknown } | { readonly problems: readonly DataProblem[] } {
  const problems: DataProblem[] = [];
  const tables = new Map<string, DataTable>();
  const tableOf = (source: DataSource, at: readonly PropertyKey[]): DataTable | undefined => {
    if (!('file' in source)) return source;
    const key = JSON.stringify([source.file, source.order]);
    try {
      const table = tables.get(key) ?? readData(source.file, source.order);
      tables.set(key, table);
      return table;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      problems.push({ path: [...at, 'file'], message });
      return undefined;
    }
  };
  const common = data === undefined ? undefined : tableOf(data, ['data']);
  const requests = workload.requests.map(({ data: own, ...kind }, index) => {
    const table = own === undefined ? common : tableOf(own, ['requests', index, 'data']);
    const wanted = new Set(
      [kind.path, kind.body ?? '', ...Object.values(kind.headers)].flatMap(columnsIn),
    );
    if (table === undefined || wanted.size === 0) return kind;
    const kept = table.columns.some((column) => wanted.has(column))
      ? project(table, wanted)
      : table;
    return { ...kind, data: kept };
  });
  return problems.length > 0 ? { problems } : { workload: { ...workload, requests } };
}
