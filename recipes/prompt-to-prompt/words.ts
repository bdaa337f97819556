// The words of a prompt, as Prompt-to-Prompt counts them: what stands between spaces. Knows no tokens. Pure.

const EDGES = /^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu;

export function wordsOf(prompt: string): readonly string[] {
  return prompt.split(/\s+/).filter((word) => word !== '');
}

/** Whether a word of a prompt is the one that is named: as it stands, or without the marks around it (`cat,` is `cat`). In any case. */
export function isNamed(word: string, name: string): boolean {
  const [stands, wanted] = [word.toLowerCase(), name.toLowerCase()];
  return stands === wanted || stands.replaceAll(EDGES, '') === wanted;
}

/** Where the named part of a word begins, in UTF-16 units, and how long it is. */
export function namedPart(
  word: string,
  name: string,
): { readonly at: number; readonly length: number } {
  const at = word.toLowerCase().indexOf(name.toLowerCase());
  return at < 0 ? { at: 0, length: word.length } : { at, length: name.length };
}

/** Those names that no word of the prompt has. */
export function namesWithout(names: readonly string[], prompt: string): readonly string[] {
  const words = wordsOf(prompt);
  return names.filter((name) => !words.some((word) => isNamed(word, name)));
}
