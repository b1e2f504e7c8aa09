/** A workload as it stands in a file: like a run's, but data may be named instead of written out. Pure. */
import { z } from 'zod';
import { dataTableSchema, rowOrder, type DataTable } from './workload-data.ts';
import { requestKindShape, workloadShape } from './workload.ts';

const dataFileSchema = z.strictObject({
  file: z.string().min(1).meta({
    description: 'CSV in UTF-8, its first line names the columns; relative to the workload file',
  }),
  order: rowOrder.default('sequential'),
});
export type DataSource = z.infer<typeof dataFileSchema> | DataTable;

/** Told apart by `file`, so that mistakes are said of the form that was meant. */
export const dataSourceSchema = z.union([dataFileSchema, dataTableSchema], {
  error: 'is { file: NAME.csv, order: sequential | random }, or { columns, rows, order }',
});

const fileKindSchema = z.strictObject({
  ...requestKindShape,
  data: dataSourceSchema
    .optional()
    .meta({ description: 'for this request, instead of the workload’s' }),
});

export const workloadFileSchema = z.strictObject({
  ...workloadShape,
  data: dataSourceSchema
    .optional()
    .meta({ description: 'for all requests that ask for ${data.…}' }),
  requests: z.array(fileKindSchema).min(1, 'a workload needs at least one request'),
});
export type WorkloadFile = z.infer<typeof workloadFileSchema>;

/** JSON Schema (2020-12) of a workload file, for editors; what the schema cannot say is checked on loading. */
export function workloadJsonSchema(): object {
  return {
    ...z.toJSONSchema(workloadFileSchema, { io: 'input' }),
    title: 'Speed Gate workload',
  };
}
