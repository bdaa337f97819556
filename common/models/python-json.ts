// Reads JSON as Python's json module writes it: numbers that are no numbers in JSON (NaN, Infinity, -Infinity) stand there bare.

const STRING_OR_WORD = /"(?:[^"\\]|\\.)*"|-?Infinity|NaN/gs;

/** Such a word becomes a string of itself, as no JSON value could hold it otherwise. @throws SyntaxError — it is not JSON */
export function parsePythonJson(text: string): unknown {
  return JSON.parse(
    text.replace(STRING_OR_WORD, (found) => (found.startsWith('"') ? found : `"${found}"`)),
  );
}
