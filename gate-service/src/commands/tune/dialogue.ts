/**
 * The dialogue of `speed-gate tune`: asks and answers, one object of JSON a line. A line that cannot
 * be used is answered with an error and changes nothing; the same evaluation may be told again.
 */
import {
  IllegalObservationError,
  UnknownProposalError,
  type Decision,
  type Prediction,
  type Proposal,
  type Tuner,
  type Values,
} from '../../optimizer/tuner.ts';
import type { BoundSpace } from '../../optimizer/space/bound-space.ts';
import { changeInWords } from '../../optimizer/wording.ts';
import type { Line } from './lines.ts';
import { MAX_LINE_BYTES, MessageError, parseMessage } from './messages.ts';

export interface DialogueParts {
  readonly tuner: Tuner;
  readonly space: BoundSpace;
  readonly lines: AsyncIterable<Line>;
  /** Writes one object; resolves when the reader can take more. */
  readonly say: (message: object) => Promise<void>;
  /** For a person. */
  readonly log: (sentence: string) => void;
  /** Keeps the session so that it can go on from here; called before what follows from it is said. */
  readonly keep: () => void;
  /** Keeps what the session has taught when it is over, and why it is. */
  readonly finish: (ended: string) => void;
}

export type DialogueEnd = 'finished' | 'broken-off';

/** Resolves when the budget is used, nothing more is to be won, the other side ended it, or its lines ended. */
export async function holdDialogue(parts: DialogueParts): Promise<DialogueEnd> {
  const { tuner, lines, say, log, keep } = parts;

  const askNext = async (): Promise<boolean> => {
    const proposal = tuner.ask();
    if (proposal === undefined) return false;
    keep();
    log(describeProposal(proposal));
    await say({ ask: proposal.id, configuration: proposal.values });
    return true;
  };

  if (!(await askNext())) return finish(parts);
  for await (const line of lines) {
    try {
      const told = hear(line, parts);
      if (told === 'end') return await finish(parts, 'ended by the other side');
      log(describeDecision(told));
    } catch (error) {
      const mistake = asMistake(error);
      if (mistake === undefined) throw error;
      const open = tuner.ask()?.id;
      const { code, message } = mistake;
      log(`line ${line.number}: ${message}`);
      await say({ error: { code, line: line.number, open, message } });
      continue;
    }
    if (!(await askNext())) return finish(parts);
  }
  return 'broken-off';
}

/** @throws MessageError, UnknownProposalError, IllegalObservationError for a line that changes nothing */
function hear(line: Line, { tuner, space }: DialogueParts): Decision | 'end' {
  if (line.text === undefined) {
    throw new MessageError('line-too-long', `a line has at most ${MAX_LINE_BYTES} bytes`);
  }
  const message = parseMessage(line.text);
  if (message.kind === 'end') return 'end';
  const open = tuner.ask();
  if (message.configuration !== undefined && message.id === open?.id) {
    const difference = differenceOf(message.configuration, open.values, space);
    if (difference !== undefined) throw new MessageError('other-configuration', difference);
  }
  return tuner.tell(message.id, message.observation);
}

function differenceOf(
  given: Readonly<Record<string, unknown>>,
  asked: Values,
  space: BoundSpace,
): string | undefined {
  const checked = space.check(given);
  if (!checked.ok) return checked.violations.map(({ message }) => message).join(' ');
  const other = space.names.filter((name) => checked.values[name] !== asked[name]);
  if (other.length === 0) return undefined;
  const words = other.map(
    (name) => `${name} is ${String(given[name])}, not ${String(asked[name])}`,
  );
  return `this is not the configuration that was asked for: ${words.join(', ')}; measure that one, or tell that it was aborted`;
}

async function finish(
  { tuner, say, log, finish: close }: DialogueParts,
  endedBy?: string,
): Promise<DialogueEnd> {
  const { best, adopted, explanation, ended: tunersWord } = tuner.result();
  const ended = endedBy ?? tunersWord;
  close(ended);
  log(`${ended}; ${explanation.summary}`);
  await say({ best, adopted, explanation: { ended, ...explanation } });
  return 'finished';
}

function asMistake(error: unknown): Pick<MessageError, 'code' | 'message'> | undefined {
  if (error instanceof MessageError) return error;
  if (error instanceof UnknownProposalError) return { code: 'unknown-id', message: error.message };
  if (error instanceof IllegalObservationError) {
    return { code: 'illegal-observation', message: error.message };
  }
  return undefined;
}

function describeProposal({ id, source, reason, predicted }: Proposal): string {
  const expected =
    predicted === undefined
      ? ''
      : `; expected ${wordsOf(predicted)}, safe with ${Math.round(predicted.safe * 100)} %`;
  return `ask ${id} (${source}): ${reason}${expected}`;
}

function describeDecision({ id, verdict, sentence }: Decision): string {
  return `tell ${id} (${verdict}): ${sentence}`;
}

function wordsOf({ change, low, high, reference }: Prediction): string {
  const [middle, from, to] = [change, low, high].map((one) => changeInWords(one, reference));
  return `${middle ?? ''} (${from ?? ''} to ${to ?? ''})`;
}
