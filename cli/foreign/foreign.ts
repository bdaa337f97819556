// What is found out of models that others made: no set, but what a set can be made of.

export interface Foreign {
  /** With its article, say `a diffusers pipeline (StableDiffusionPipeline)`. */
  readonly what: string;
  /** Why no set can be made of it as it is. Empty if `flags` take it. */
  readonly problems: readonly ForeignProblem[];
  /** Words of `python -m export models` that take it. */
  readonly flags: readonly string[];
}

export interface ForeignProblem {
  /** The file or folder that it is of. */
  readonly path: string;
  readonly problem: string;
  readonly hint: string;
}

/** Models that no set can be made of, whatever is done to their files. */
export function refused(what: string, problem: ForeignProblem): Foreign {
  return { what, problems: [problem], flags: [] };
}

export const COPY_AGAIN = 'Copy it again.';
