/** What a caller of the tuner can do wrong, in words. */

export class UnknownProposalError extends Error {
  constructor(id: number, open: number | undefined) {
    super(
      `no evaluation ${id} is open; ${open === undefined ? 'ask first' : `${open} is being measured`}`,
    );
    this.name = 'UnknownProposalError';
  }
}

/** An observation that cannot be learnt from. Nothing was changed by it: tell again. */
export class IllegalObservationError extends Error {
  constructor(what: string) {
    super(`the observation cannot be used: ${what}`);
    this.name = 'IllegalObservationError';
  }
}

/** A problem or options that no session can be made of. */
export class IllegalProblemError extends Error {
  constructor(what: string) {
    super(`the tuning problem cannot be used: ${what}`);
    this.name = 'IllegalProblemError';
  }
}

/** Experience or a snapshot that was made with other knobs. */
export class ForeignExperienceError extends Error {
  constructor(what: 'experience' | 'snapshot', theirs: string, own: string) {
    super(
      `the ${what} was made for another knob space (${theirs.slice(0, 12)}) than this one (${own.slice(0, 12)}); ` +
        `use the ${what} of these knobs, or start without one`,
    );
    this.name = 'ForeignExperienceError';
  }
}

/** A stored session that cannot go on: cut off, changed by hand, or of another version of the tuner. */
export class DamagedSnapshotError extends Error {
  constructor(what: string) {
    super(`the stored session cannot be gone on with: ${what}`);
    this.name = 'DamagedSnapshotError';
  }
}
