// The pictures of docs/tasks.md, and the commands there that make them: those of the indented block before each picture. Pure.

/** A picture, and what is typed for it. */
export interface DocPicture {
  /** Of its file in docs/pictures, without the ending. */
  readonly name: string;
  /** Words after `bin/bivdiff` of each command, in order; the last one's contact sheet is the picture. */
  readonly commands: readonly (readonly string[])[];
}

const PICTURE = /^!\[[^\]]*\]\(pictures\/([\w-]+)\.webp\)$/;
const INDENT = '    ';

/** In the order of the document. */
export function docPictures(markdown: string): readonly DocPicture[] {
  const pictures: DocPicture[] = [];
  let block: string[] = [];
  let isOver = true;
  for (const line of markdown.split('\n')) {
    const name = PICTURE.exec(line)?.[1];
    if (name !== undefined) pictures.push({ name, commands: commandsOf(block) });
    if (!line.startsWith(INDENT)) {
      isOver ||= line.trim() !== '';
      continue;
    }
    if (isOver) block = [];
    isOver = false;
    block.push(line.slice(INDENT.length));
  }
  return pictures;
}

function commandsOf(block: readonly string[]): readonly (readonly string[])[] {
  const lines = block.join('\n').replaceAll('\\\n', ' ').split('\n');
  return lines.flatMap((line) => {
    const words = [...line.matchAll(/"([^"]*)"|\S+/g)].map(([word, quoted]) => quoted ?? word);
    return words[0] === 'bin/bivdiff' ? [words.slice(1)] : [];
  });
}
