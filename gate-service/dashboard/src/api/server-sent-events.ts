/** Reads server-sent events from chunks of text, however they were cut (HTML standard, section 9.2). */

export interface ServerSentEvent {
  readonly id?: string;
  readonly event: string;
  readonly data: string;
}

export class EventParser {
  #rest = '';

  /** Events that this chunk completes. Comments and events without data are left out. */
  push(chunk: string): readonly ServerSentEvent[] {
    this.#rest += chunk;
    const blocks = this.#rest.split(/\r?\n\r?\n/);
    this.#rest = blocks.pop() ?? '';
    return blocks.flatMap((block) => parse(block) ?? []);
  }
}

function parse(block: string): ServerSentEvent | undefined {
  const data: string[] = [];
  let id: string | undefined;
  let event = 'message';
  for (const line of block.split(/\r?\n/)) {
    const [, name, value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
    if (name === 'data') data.push(value);
    else if (name === 'id') id = value;
    else if (name === 'event') event = value;
  }
  if (data.length === 0) return undefined;
  return { ...(id !== undefined && { id }), event, data: data.join('\n') };
}
