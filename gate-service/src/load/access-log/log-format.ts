/**
 * Lines of an access log by Apache's LogFormat (mod_log_config). A scanner that goes over a line once: no
 * line can make it slow, and what clients put into quoted fields cannot pass for another field, because
 * httpd escapes quotes there. Pure.
 */

/** What is taken from a line; everything else is dropped at once. */
export interface LogEntry {
  /** First line of the request, unescaped. */
  readonly request: string;
  /** When the request came, seconds since 1970. */
  readonly second: number;
  readonly status: number;
  /** %D. */
  readonly microseconds?: number;
  /** %v or %V: the virtual host. */
  readonly host?: string;
  /** Whether the request was the first on its connection (%k). */
  readonly fresh?: boolean;
}

export type LineParser = (line: string) => LogEntry | undefined;

/** Names for `--format`; with `%D` added, they are known by themselves. */
export const NAMED_FORMATS: Readonly<Record<string, string>> = {
  common: '%h %l %u %t "%r" %>s %b',
  combined: '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"',
  vhost_common: '%v %h %l %u %t "%r" %>s %b',
  vhost_combined: '%v:%p %h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i"',
};

interface Field {
  /** Directive without modifiers, e.g. `r`, `t`, `{Referer}i`. */
  readonly name: string;
  /** Between quotes in the format. */
  readonly quoted: boolean;
  /** Text up to the next field. */
  readonly after: string;
}

/** %, an optional status condition, `<` or `>`, an optional {argument}, the letters. */
const DIRECTIVE = /%(?:!?\d{3}(?:,\d{3})*)?[<>]?(\{[^}]*\})?(\^ti|\^to|[a-zA-Z%])/g;

/**
 * @param format a name of {@link NAMED_FORMATS}, or a LogFormat as it stands in httpd's configuration
 * @throws Error when the format has no request, time or status, or cannot be told apart
 */
export function compileLogFormat(format: string): LineParser {
  const text = (NAMED_FORMATS[format] ?? format).replaceAll('\\"', '"');
  const { before, fields } = fieldsOf(text);
  const names = fields.map(({ name }) => name);
  const missing = [
    ...(names.includes('r') ? [] : ['%r']),
    ...(names.includes('t') ? [] : ['%t']),
    ...(names.includes('s') ? [] : ['%>s']),
  ];
  if (missing.length > 0) {
    const known = Object.keys(NAMED_FORMATS).join(', ');
    throw new Error(
      `the log format ${JSON.stringify(format)} has no ${missing.join(', ')}; give a LogFormat with %r, %t and %>s, or one of ${known}`,
    );
  }
  if (fields.some(({ name, quoted }) => name === 'r' && !quoted)) {
    throw new Error('the log format has %r without quotes; requests could not be told apart');
  }
  return (line) => scan(line, before, fields);
}

/**
 * Common and combined, each with or without a virtual host before and `%D` behind. The form that fitted
 * last is tried first. `%l` must be `-`, as it is nearly everywhere: else a virtual host in front could not
 * be told from a user's name with a space.
 */
export function detectLogFormat(): LineParser {
  const parsers = Object.values(NAMED_FORMATS)
    .map((format) => format.replace('%l', '-'))
    .flatMap((format) => [compileLogFormat(`${format} %D`), compileLogFormat(format)]);
  return (line) => {
    for (const [index, parse] of parsers.entries()) {
      const entry = parse(line);
      if (entry === undefined) continue;
      if (index > 0) parsers.unshift(...parsers.splice(index, 1));
      return entry;
    }
    return undefined;
  };
}

function fieldsOf(text: string): { readonly before: string; readonly fields: readonly Field[] } {
  const matches = [...text.matchAll(DIRECTIVE)];
  const fields = matches.map((match, index): Field => {
    const end = match.index + match[0].length;
    const after = text.slice(end, matches[index + 1]?.index ?? text.length);
    return {
      name: `${match[1] ?? ''}${match[2] ?? ''}`,
      quoted: text[match.index - 1] === '"' && after.startsWith('"'),
      after,
    };
  });
  fields.slice(0, -1).forEach(({ name, after }) => {
    if (after === '') throw new Error(`the log format has nothing between %${name} and the next`);
  });
  return { before: text.slice(0, matches[0]?.index), fields };
}

function scan(line: string, before: string, fields: readonly Field[]): LogEntry | undefined {
  if (!line.startsWith(before)) return undefined;
  let at = before.length;
  const values = new Map<string, string>();
  for (const [index, field] of fields.entries()) {
    const end = endOf(line, at, field, index === fields.length - 1);
    if (end === undefined || !line.startsWith(field.after, end)) return undefined;
    if (TAKEN.has(field.name)) values.set(field.name, line.slice(at, end));
    at = end + field.after.length;
  }
  return at === line.length ? entryOf(values) : undefined;
}

/** Fields that are looked at. Who asked, referers, cookies and user agents are not among them. */
const TAKEN: ReadonlySet<string> = new Set(['r', 't', 's', 'D', 'v', 'V', 'k']);

function endOf(line: string, from: number, field: Field, last: boolean): number | undefined {
  if (field.quoted) return closingQuote(line, from);
  if (field.name === 't') {
    const end = line.indexOf(']', from);
    return line[from] === '[' && end >= 0 ? end + 1 : undefined;
  }
  if (last && field.after === '') {
    // A line that goes on has another format.
    return /\s/.test(line.slice(from)) ? undefined : line.length;
  }
  const end = line.indexOf(field.after, from);
  // User names may hold spaces; the time behind them tells where they end.
  if (field.name !== 'u') {
    return end >= 0 && !/\s/.test(line.slice(from, end)) ? end : undefined;
  }
  const time = line.indexOf(`${field.after}[`, from);
  return time >= 0 ? time : undefined;
}

/** Of a field in which quotes and backslashes are escaped by a backslash. */
function closingQuote(line: string, from: number): number | undefined {
  for (let at = from; at < line.length; at += 1) {
    if (line[at] === '\\') at += 1;
    else if (line[at] === '"') return at;
  }
  return undefined;
}

function entryOf(values: ReadonlyMap<string, string>): LogEntry | undefined {
  const second = secondOf(values.get('t') ?? '');
  const status = values.get('s') ?? '';
  const duration = values.get('D');
  const kept = values.get('k');
  if (second === undefined || !/^[1-5]\d\d$/.test(status)) return undefined;
  if (duration !== undefined && !/^\d{1,15}$/.test(duration)) return undefined;
  if (kept !== undefined && !/^\d{1,9}$/.test(kept)) return undefined;
  const host = values.get('v') ?? values.get('V');
  return {
    request: unescapeField(values.get('r') ?? ''),
    second,
    status: Number(status),
    ...(duration === undefined ? {} : { microseconds: Number(duration) }),
    ...(kept === undefined ? {} : { fresh: kept === '0' }),
    ...(host === undefined ? {} : { host: host.toLowerCase() }),
  };
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const TIME = /^\[(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)\]$/;

/** `[10/Oct/2000:13:55:36 -0700]` in seconds since 1970. */
function secondOf(text: string): number | undefined {
  const match = TIME.exec(text);
  if (match === null) return undefined;
  const [, day, month, year, hour, minute, second, sign, offsetHours, offsetMinutes] = match;
  const index = MONTHS.indexOf(month ?? '');
  const parts = [Number(day), Number(hour), Number(minute), Number(second)] as const;
  if (index < 0 || parts[0] < 1 || parts[0] > 31) return undefined;
  // A leap second is 60.
  if (parts[1] > 23 || parts[2] > 59 || parts[3] > 60) return undefined;
  const utc = Date.UTC(Number(year), index, parts[0], parts[1], parts[2], parts[3]) / 1000;
  const offset = (Number(offsetHours) * 60 + Number(offsetMinutes)) * 60;
  return sign === '-' ? utc + offset : utc - offset;
}

const ESCAPES: Readonly<Record<string, string>> = {
  b: '\b',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** Undoes ap_escape_logitem (httpd, server/util.c): \" \\ \n and the like, \xhh. */
function unescapeField(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replace(/\\(?:x([0-9a-fA-F]{2})|(.))/gs, (_whole, hex?: string, one?: string) =>
    hex === undefined ? (ESCAPES[one ?? ''] ?? one ?? '') : String.fromCharCode(parseInt(hex, 16)),
  );
}
