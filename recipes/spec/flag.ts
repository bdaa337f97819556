// A flag of the command line that sets a field of the spec: what help, completion and docs/cli.md say of it. Ranges and defaults come from
// the spec's schema.

/**
 * - `text`, `number`, `word`: one value of the spec; a word is one of a list
 * - `size`: WIDTHxHEIGHT
 * - `path`: something to read, relative to where it was written
 * - `models`: a path or the name of a shipped set
 * - `file`: something to write, relative to where it was written
 * - `list`: texts, one each time that it is given
 * - `listing`: a word of the spec, or a file with the spec's list, relative to where it was written
 * - `switch`: no value
 */
export type FlagKind =
  'text' | 'number' | 'word' | 'size' | 'path' | 'models' | 'file' | 'list' | 'listing' | 'switch';

export interface SettingFlag {
  /** Without dashes. */
  readonly name: string;
  readonly kind: FlagKind;
  /** What stands for the value in help; absent of a switch. */
  readonly value?: string;
  /** Dotted place in the spec. */
  readonly field: string;
  /** One line, no full stop. */
  readonly doc: string;
  /** For help, where the schema has none. */
  readonly defaultText?: string;
}

/** A default that the card of the models gives. */
export const BY_MODELS = "the models' own";
