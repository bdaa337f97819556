// `--memory-gib`: what models and their runs may fill.

/** Undefined unless given. */
export function memoryBytesOf(text: string | undefined, problems: string[]): number | undefined {
  if (text === undefined) return undefined;
  const gib = Number(text);
  if (Number.isFinite(gib) && gib > 0) return Math.floor(gib * 2 ** 30);
  problems.push(`--memory-gib: expected a number above 0, got "${text}"`);
  return undefined;
}
