// What a long clip's steps read of each other, on paper: from frames, window, stride, block, latents and steps alone. Knows nothing of plans.

export interface Exchange {
  readonly frames: number;
  readonly window: number;
  readonly stride: number;
  /** Windows of a task. */
  readonly block: number;
  readonly steps: number;
  /** Of a frame's latents. */
  readonly frameBytes: number;
}

/** Bytes that tasks read of windows of their own block, and of windows of others. */
export interface ReadBytes {
  readonly own: number;
  readonly neighbours: number;
}

/** Of all steps but the first, which reads frames that were drawn. */
export function bytesOnPaper({ steps, frameBytes, ...cut }: Exchange): ReadBytes {
  let [own, neighbours] = [0, 0];
  for (const { reader, made, frames } of overlaps(cut)) {
    if (reader === made) own += frames;
    else neighbours += frames;
  }
  const times = (steps - 1) * frameBytes;
  return { own: own * times, neighbours: neighbours * times };
}

/** Which block reads how many frames of windows of which. */
export function overlaps({
  frames,
  window,
  stride,
  block,
}: Pick<Exchange, 'frames' | 'window' | 'stride' | 'block'>) {
  const starts: number[] = [];
  for (let start = 0; start < frames - window; start += stride) starts.push(start);
  starts.push(frames - window);
  const blocks: number[][] = [];
  for (let first = 0; first < starts.length; first += block) {
    blocks.push(starts.slice(first, first + block));
  }
  return blocks.flatMap((own, reader) => {
    const [from, end] = [own[0]!, own.at(-1)! + window];
    return blocks.map((theirs, made) => {
      const shared = theirs.map((start) => Math.min(end, start + window) - Math.max(from, start));
      return { reader, made, frames: shared.reduce((sum, one) => sum + Math.max(0, one), 0) };
    });
  });
}
