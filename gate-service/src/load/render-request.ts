/** From a request kind and the number of a pair to the request as it is sent. Pure. */
import { asIs, compileTemplate, inBody, inPath, type Template } from './placeholders.ts';
import { rowOfPair } from './workload-data.ts';
import type { RequestKind } from './workload.ts';

export interface RenderedRequest {
  readonly method: RequestKind['method'];
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

interface CompiledKind {
  readonly path: Template;
  readonly headers: readonly (readonly [string, Template])[];
  readonly body?: Template;
  readonly columns: ReadonlyMap<string, number>;
}

/** Kinds are few and never changed; templates are taken apart once. */
const compiled = new WeakMap<RequestKind, CompiledKind>();

/**
 * The request with every placeholder filled: `${sequence}` with the number of the pair, `${data.column}`
 * with a value of the pair's row, percent-encoded in paths and escaped in JSON and form bodies. The same
 * for both arms of a pair.
 * @param sequence number of the pair, from 1
 */
export function renderRequest(kind: RequestKind, sequence: number): RenderedRequest {
  const { path, headers, body, columns } = compiledOf(kind);
  const row = kind.data === undefined ? [] : rowOfPair(kind.data, sequence);
  const valueOf = (column: string): string => {
    const value = row[columns.get(column) ?? -1];
    if (value === undefined) throw new Error(`request ${kind.name} has no data.${column}`);
    return value;
  };
  const filled: Record<string, string> = {};
  for (const [name, value] of headers) filled[name] = value(sequence, valueOf);
  return {
    method: kind.method,
    path: path(sequence, valueOf),
    headers: filled,
    ...(body === undefined ? {} : { body: body(sequence, valueOf) }),
  };
}

function compiledOf(kind: RequestKind): CompiledKind {
  const known = compiled.get(kind);
  if (known !== undefined) return known;
  const headers = Object.entries(kind.headers);
  const contentType = headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? '';
  const made: CompiledKind = {
    path: compileTemplate(kind.path, inPath),
    headers: headers.map(([name, value]) => [name, compileTemplate(value, asIs)] as const),
    ...(kind.body === undefined ? {} : { body: compileTemplate(kind.body, inBody(contentType)) }),
    columns: new Map(kind.data?.columns.map((column, index) => [column, index])),
  };
  compiled.set(kind, made);
  return made;
}
