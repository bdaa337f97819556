// Where a video lies while it is being written: beside its target, so that finishing it is a rename.

interface Target {
  readonly path: string;
}

/** The file that becomes the target. */
export function partialPath({ path }: Target): string {
  return `${path}.partial`;
}

/** Compressed frames that wait for their container's index. */
export function samplesPath({ path }: Target): string {
  return `${path}.samples`;
}

/** All that an encoder that was killed may leave behind. */
export function unfinishedFiles(target: Target): readonly string[] {
  return [partialPath(target), samplesPath(target)];
}
