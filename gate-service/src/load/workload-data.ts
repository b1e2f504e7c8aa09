/** Rows of test data for the placeholders of a request. Pure. */
import { z } from 'zod';

/** Most characters of values that a workload may carry: what a run is asked with is stored with it. */
export const MAX_DATA_CHARACTERS = 512 * 1024;
/** Most problems with rows that are said one by one. */
const MAX_PROBLEMS = 5;

const columnName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_-]{0,39}$/, 'a column is called by letters, digits, "_" and "-"');
export const rowOrder = z.enum(['sequential', 'random']).meta({
  description: 'which row a pair gets, by its number; both requests of a pair get the same',
});

export const dataTableSchema = z
  .strictObject({
    order: rowOrder.default('sequential'),
    columns: z.array(columnName).min(1).max(100),
    rows: z.array(z.array(z.string())).min(1, 'data needs at least one row'),
  })
  .superRefine(({ columns, rows }, context) => {
    columns.forEach((column, index) => {
      if (columns.indexOf(column) === index) return;
      const message = `"${column}" is the name of another column too`;
      context.addIssue({ code: 'custom', path: ['columns', index], message });
    });
    rows
      .flatMap(({ length }, index) => (length === columns.length ? [] : [{ index, length }]))
      .slice(0, MAX_PROBLEMS)
      .forEach(({ index, length }) => {
        const message = `has ${length} values for ${columns.length} columns`;
        context.addIssue({ code: 'custom', path: ['rows', index], message });
      });
  });
export type DataTable = z.infer<typeof dataTableSchema>;

/**
 * The row of a pair. `sequential` goes through the rows by the number of the pair and starts again;
 * `random` draws by a hash of the number, so that both arms, and every repetition, get the same.
 * @param sequence number of the pair, from 1
 */
export function rowOfPair({ order, rows }: DataTable, sequence: number): readonly string[] {
  const number = order === 'sequential' ? Math.max(0, sequence - 1) : hash(sequence);
  return rows[number % rows.length] ?? [];
}

/** The columns that are asked for, in the table's order. */
export function project(table: DataTable, wanted: ReadonlySet<string>): DataTable {
  const kept = table.columns.flatMap((column, index) => (wanted.has(column) ? [index] : []));
  const pick = (values: readonly string[]): string[] => kept.map((index) => values[index] ?? '');
  return { order: table.order, columns: pick(table.columns), rows: table.rows.map(pick) };
}

/** Characters of all its values. */
export function charactersOf({ rows }: DataTable): number {
  return rows.reduce((sum, row) => row.reduce((all, { length }) => all + length + 1, sum), 0);
}

/** Murmur3's finalizer (Appleby 2011): neighbouring numbers get unrelated values. */
function hash(value: number): number {
  let mixed = Math.imul(value ^ 0x9e3779b9, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  return (mixed ^ (mixed >>> 13)) >>> 0;
}
