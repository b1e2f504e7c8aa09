import type { AgentProblem } from './protocol.ts';

interface RefusalOptions extends ErrorOptions {
  readonly violations?: AgentProblem['violations'];
  readonly restoredHash?: string | undefined;
}

export type RefusalCode =
  | 'invalid-configuration'
  | 'replace-required'
  | 'swap-failed'
  | 'unauthorized'
  | 'busy'
  | 'not-ready'
  | 'not-serving'
  | 'not-found'
  | 'bad-request'
  | 'internal';

const PROBLEMS: Readonly<Record<RefusalCode, { status: number; title: string }>> = {
  'invalid-configuration': { status: 422, title: 'The configuration breaks rules' },
  'replace-required': { status: 409, title: 'The change needs a new node' },
  'swap-failed': { status: 500, title: 'The configuration did not take effect' },
  unauthorized: { status: 401, title: 'The token is missing or wrong' },
  busy: { status: 409, title: 'The node is being changed' },
  'not-ready': { status: 409, title: 'The node does not run' },
  'not-serving': { status: 503, title: 'The node takes no traffic' },
  'not-found': { status: 404, title: 'There is no such resource' },
  'bad-request': { status: 400, title: 'The request cannot be read' },
  internal: { status: 500, title: 'The agent failed' },
};

/** An answer other than success, as a problem (RFC 9457). */
export class Refusal extends Error {
  readonly problem: AgentProblem;
  constructor(code: RefusalCode, detail: string, options: RefusalOptions = {}) {
    super(detail, options);
    this.name = 'Refusal';
    const { violations, restoredHash } = options;
    this.problem = {
      type: 'about:blank',
      ...PROBLEMS[code],
      detail,
      code,
      ...(violations && { violations }),
      ...(restoredHash !== undefined && { restoredHash }),
    };
  }
}
