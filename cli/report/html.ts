// HTML out of templates: what is put in is text, and is escaped, unless it is HTML already. Pure.

/** HTML that is safe to put in as it is. */
export interface Html {
  readonly html: string;
}

type Part = string | number | Html | undefined | readonly Html[];

/** A template's HTML. Absent parts are nothing. */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Html {
  const pieces = texts.map((text, index) => text + (index < parts.length ? put(parts[index]) : ''));
  return { html: pieces.join('') };
}

/** What this program wrote itself, a style sheet say. Nothing that a user has typed. */
export function raw(text: string): Html {
  return { html: text };
}

function put(part: Part): string {
  if (part === undefined) return '';
  if (typeof part === 'object') {
    return 'html' in part ? part.html : part.map((one) => one.html).join('');
  }
  return String(part).replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
