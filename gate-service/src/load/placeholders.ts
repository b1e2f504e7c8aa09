/** Placeholders in paths, headers and bodies: `${sequence}` and `${data.column}`. Pure. */
const PLACEHOLDER = /\$\{([^}]*)\}/g;
const COLUMN = /^data\.(.+)$/;

/** Makes a value fit where it is put, e.g. percent-encodes it in a path. */
export type Encoding = (value: string) => string;

export type Template = (sequence: number, valueOf: (column: string) => string) => string;

/** Names that the text asks for and that nobody knows; whole, with braces. */
export function unknownPlaceholders(text: string): readonly string[] {
  return [...text.matchAll(PLACEHOLDER)].flatMap(([whole, name = '']) =>
    name === 'sequence' || COLUMN.test(name) ? [] : [whole],
  );
}

/** Columns that the text asks for. */
export function columnsIn(text: string): readonly string[] {
  return [...text.matchAll(PLACEHOLDER)].flatMap(([, name = '']) => COLUMN.exec(name)?.[1] ?? []);
}

/** @param encode applied to values of columns, not to the text around them */
export function compileTemplate(text: string, encode: Encoding): Template {
  const parts: Template[] = [];
  let end = 0;
  for (const match of text.matchAll(PLACEHOLDER)) {
    const [whole, name = ''] = match;
    const before = text.slice(end, match.index);
    if (before !== '') parts.push(() => before);
    const column = COLUMN.exec(name)?.[1];
    if (column !== undefined) parts.push((_sequence, valueOf) => encode(valueOf(column)));
    else parts.push(name === 'sequence' ? (sequence) => String(sequence) : () => whole);
    end = match.index + whole.length;
  }
  const rest = text.slice(end);
  if (parts.length === 0) return () => rest;
  if (rest !== '') parts.push(() => rest);
  return (sequence, valueOf) => {
    let filled = '';
    for (const part of parts) filled += part(sequence, valueOf);
    return filled;
  };
}

/** As a part of a path or of a query; what RFC 3986 reserves cannot break out of it. */
export const inPath: Encoding = (value) => encodeURIComponent(value.toWellFormed());

/** By the body's content type: inside a JSON string, a form field, or as it is. */
export function inBody(contentType: string): Encoding {
  const type = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (type === 'application/json' || type.endsWith('+json')) {
    return (value) => JSON.stringify(value).slice(1, -1);
  }
  if (type === 'application/x-www-form-urlencoded') return inPath;
  return asIs;
}

export const asIs: Encoding = (value) => value;
