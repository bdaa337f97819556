// Reads JSON as Python's json module and editors write it: numbers that are no numbers in JSON (NaN, Infinity, -Infinity) stand there
// bare, and a byte order mark may stand before it all.

const STRING_OR_WORD = /"(?:[^"\\]|\\.)*"|-?Infinity|NaN/gs;
const BYTE_ORDER_MARK = /^\uFEFF/;

/** Such a word becomes a string of itself, as no JSON value could hold it otherwise. @throws SyntaxError — it is not JSON */
export function parsePythonJson(text: string): unknown {
  return JSON.parse(
    withoutByteOrderMark(text).replace(STRING_OR_WORD, (found) =>
      found.startsWith('"') ? found : `"${found}"`,
    ),
  );
}

/** What some editors, of Windows above all, put before UTF-8. */
export function withoutByteOrderMark(text: string): string {
  return text.replace(BYTE_ORDER_MARK, '');
}
