// Everything that is wrong with what somebody asked for, in one list. A check that runs although something is wrong already works on a
// stand-in for it: what it finds then is told only if it rests on nothing that is wrong itself. Pure.

/** Takes what does not fit: `field: what`. A list is one. */
export interface ProblemSink {
  push(...problems: string[]): unknown;
  /** For problems that would not be, or would be others, with other values of these. */
  restingOn?(...fields: readonly string[]): ProblemSink;
}

/** A sink for problems that rest on other fields than the one that they name. */
export function restingOn(sink: ProblemSink, ...fields: readonly string[]): ProblemSink {
  return sink.restingOn?.(...fields) ?? sink;
}

/** What is in the file that a field names, which may be unknown where the field is not. */
export function contentsOf(field: string): string {
  return `contents of ${field}`;
}

/** Leaves out what names or rests on something unknown, since why it is unknown is told already. */
export class ProblemList implements ProblemSink {
  readonly #unknown: readonly string[];
  readonly #told = new Set<string>();

  /** `unknown`: fields of the spec, dotted, and `contentsOf` fields. What lies above or below one is unknown with it. */
  constructor(unknown: readonly string[] = []) {
    this.#unknown = unknown;
  }

  get told(): readonly string[] {
    return [...this.#told];
  }

  isUnknown(field: string): boolean {
    return this.#unknown.some(
      (one) => one === field || one.startsWith(`${field}.`) || field.startsWith(`${one}.`),
    );
  }

  push(...problems: readonly string[]): void {
    for (const problem of problems) {
      const field = fieldOfProblem(problem);
      if (field === undefined || !this.isUnknown(field)) this.#told.add(problem);
    }
  }

  restingOn(...fields: readonly string[]): ProblemSink {
    const isTold = !fields.some((field) => this.isUnknown(field));
    return {
      push: (...problems) => {
        if (isTold) this.push(...problems);
      },
      restingOn: (...others) => this.restingOn(...fields, ...others),
    };
  }
}

/** Of `field: what`; undefined of any other text. */
export function fieldOfProblem(problem: string): string | undefined {
  return /^([a-zA-Z]+(?:\.[a-zA-Z0-9]+)*): /.exec(problem)?.[1];
}
