/** JSON as RFC 8259 recommends it to be: no name twice, no bombs, nothing that a database cannot keep. */

const DEEPEST = 32;
/** Members of one object or array, each of which may cost a complaint: rows of test data are the longest list. */
const MOST_MEMBERS = 100_000;
const MOST_VALUES = 400_000;
/** Names that mean something to JavaScript itself. */
const RESERVED: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** What is wrong, and where: `pointer` is a JSON pointer (RFC 6901). */
export class StrictJsonError extends Error {
  readonly pointer: string;
  constructor(pointer: string, message: string) {
    super(message);
    this.name = 'StrictJsonError';
    this.pointer = pointer;
  }
}

interface Frame {
  /** Absent for an array. */
  readonly names?: Set<string>;
  /** Of the member that is being read. */
  name: string | number;
  readsName: boolean;
  members: number;
}

/** @throws StrictJsonError */
export function parseStrictJson(text: string): unknown {
  inspect(text);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    // The engine's words may repeat pieces of the text.
    const at = /position (\d+)/.exec(error instanceof Error ? error.message : '')?.[1];
    throw new StrictJsonError('', `is not JSON${at === undefined ? '' : ` (at character ${at})`}`);
  }
}

/** Walks over the text without building anything; what is no JSON at all is left to the parser. */
function inspect(text: string): void {
  const frames: Frame[] = [];
  let values = 0;

  const pointer = (): string =>
    frames
      .filter((frame) => !frame.readsName)
      .map(({ name }) => `/${shown(name).replaceAll('~', '~0').replaceAll('/', '~1')}`)
      .join('');
  const wrong = (message: string): never => {
    throw new StrictJsonError(pointer(), message);
  };

  function open(frame: Frame): void {
    if (frames.length >= DEEPEST) wrong(`is nested more than ${DEEPEST} levels deep`);
    frames.push(frame);
  }

  function next(frame: Frame): void {
    values += 1;
    frame.members += 1;
    if (frame.members >= MOST_MEMBERS || values >= MOST_VALUES) {
      frames.pop();
      wrong(`has too many members: at most ${MOST_MEMBERS} each, ${MOST_VALUES} in all`);
    }
    if (frame.names === undefined) frame.name = frame.members;
    else frame.readsName = true;
  }

  function readName(frame: Frame, names: Set<string>, name: string): void {
    frame.name = name;
    frame.readsName = false;
    if (RESERVED.has(name)) wrong('is a name that is not taken');
    if (names.has(name)) wrong('is there twice');
    names.add(name);
  }

  for (let at = 0; at < text.length; at += 1) {
    const top = frames.at(-1);
    switch (text[at]) {
      case '{':
        open({ names: new Set(), name: '', readsName: true, members: 0 });
        break;
      case '[':
        open({ name: 0, readsName: false, members: 0 });
        break;
      case '}':
      case ']':
        frames.pop();
        break;
      case ',':
        if (top !== undefined) next(top);
        break;
      case '"': {
        const end = endOfString(text, at);
        const content = contentOf(text.slice(at, end + 1));
        if (top?.names !== undefined && top.readsName) readName(top, top.names, content);
        if (content.includes('\0')) wrong('has a NUL character');
        if (!content.isWellFormed()) wrong('has half a character (a lone surrogate)');
        at = end;
        break;
      }
      case undefined:
      default:
    }
  }
}

/** A problem must not carry on what it complains of. */
function shown(name: string | number): string {
  return String(name)
    .slice(0, 100)
    .replaceAll(/\p{Cc}/gu, '\ufffd')
    .toWellFormed();
}

function endOfString(text: string, start: number): number {
  let end = start + 1;
  while (end < text.length && text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
  return end;
}

function contentOf(literal: string): string {
  if (!literal.includes('\\')) return literal.slice(1, -1);
  try {
    return JSON.parse(literal) as string;
  } catch {
    return '';
  }
}
