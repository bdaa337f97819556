// Which token of a source's prompt each token of an edited one takes its attention from: the mappers of Prompt-to-Prompt (arXiv 2208.01626), as
// diffusers' community pipeline computes them. Pure.

/** Of CLIP's text encoder: begin, up to 75 tokens, end and padding. */
export const POSITIONS = 77;
/** The last position that a text's own token can have. */
const LAST_TOKEN = POSITIONS - 2;

export interface Alignment {
  /** `[77, 77]`, from positions of the source to those of the edited prompt. */
  readonly mapper: Float32Array;
  /** `[77]`: 1 where a position follows the source's, 0 where it keeps its own attention. */
  readonly follows: Float32Array;
}

/**
 * Word by word: the n-th word of the edited prompt takes the attention of the n-th of the source's. Takes how many tokens each word has. Where a
 * word's numbers differ, its attention is spread evenly, and the words after it follow their own counterparts (in diffusers' code, which says `mapper[j, j]`
 * there, what stands at the same position).
 */
export function replacement(source: readonly number[], edited: readonly number[]): Alignment {
  const mapper = new Float32Array(POSITIONS * POSITIONS);
  const map = (from: number, to: number, share: number): void => {
    if (from <= LAST_TOKEN && to <= LAST_TOKEN) mapper[from * POSITIONS + to] = share;
  };
  mapper[0] = 1;
  let [from, to] = [1, 1];
  for (const [word, taken] of source.entries()) {
    const given = edited[word]!;
    for (let i = 0; i < taken; i += 1) {
      for (let j = 0; j < given; j += 1) {
        if (taken !== given) map(from + i, to + j, 1 / given);
        else if (i === j) map(from + i, to + j, 1);
      }
    }
    from += taken;
    to += given;
  }
  // The ends of both, and the padding after them.
  const [sourceEnd, editedEnd] = [Math.min(from, LAST_TOKEN + 1), Math.min(to, LAST_TOKEN + 1)];
  for (let place = editedEnd; place < POSITIONS; place += 1) {
    const at = Math.min(sourceEnd + place - editedEnd, POSITIONS - 1);
    mapper[at * POSITIONS + place] = 1;
  }
  return { mapper, follows: columnsWithMass(mapper) };
}

/**
 * Token by token, by the best global alignment (Needleman and Wunsch): 1 for a match, -1 for a mismatch, 0 for a gap. Takes both prompts' ids with
 * begin and end. Tokens that the source has not keep their own attention.
 */
export function refinement(source: readonly number[], edited: readonly number[]): Alignment {
  const score = alignmentScores(source, edited);
  const mapper = new Float32Array(POSITIONS * POSITIONS);
  let [i, j] = [source.length, edited.length];
  while (i > 0 && j > 0) {
    if (score[i]![j] === score[i]![j - 1]) j -= 1;
    else if (score[i]![j] === score[i - 1]![j]) i -= 1;
    else {
      i -= 1;
      j -= 1;
      mapper[i * POSITIONS + j] = 1;
    }
  }
  for (let place = edited.length; place < POSITIONS; place += 1) {
    mapper[place * POSITIONS + place] = 1;
  }
  return { mapper, follows: columnsWithMass(mapper) };
}

/** Of the beginnings of both: `[source + 1][edited + 1]`. */
function alignmentScores(source: readonly number[], edited: readonly number[]): Int32Array[] {
  const score = Array.from({ length: source.length + 1 }, () => new Int32Array(edited.length + 1));
  for (let i = 1; i <= source.length; i += 1) {
    for (let j = 1; j <= edited.length; j += 1) {
      const both = score[i - 1]![j - 1]! + (source[i - 1] === edited[j - 1] ? 1 : -1);
      score[i]![j] = Math.max(score[i]![j - 1]!, score[i - 1]![j]!, both);
    }
  }
  return score;
}

function columnsWithMass(mapper: Float32Array): Float32Array {
  const follows = new Float32Array(POSITIONS);
  mapper.forEach((share, index) => {
    if (share > 0) follows[index % POSITIONS] = 1;
  });
  return follows;
}
