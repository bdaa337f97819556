// What a coordinator takes from its clients, unless its settings say otherwise.

/** What one client may ask of a farm. Each bounds disk, memory or time that the farm's other users would miss. */
export interface FarmLimits {
  /** Of a submitted spec as a message. */
  readonly specBytes: number;
  /** Frames of one job. */
  readonly frames: number;
  /** Of one job: width * height * frames. */
  readonly pixels: number;
  /** Of each prompt of a spec. */
  readonly promptCharacters: number;
  /** Of one uploaded artifact. */
  readonly uploadBytes: number;
  /** Of all that one owner has uploaded and the store still has, with what is under way. */
  readonly ownerBytes: number;
  /** Uploads and downloads under way at once, of one owner. Workers, operators, and all where there are no tokens, are not counted. */
  readonly transfers: number;
  /** Open at once, of one owner; without tokens of one host. */
  readonly watches: number;
}

export const DEFAULT_LIMITS: FarmLimits = {
  // Three prompts of 4,000 characters and room for names.
  specBytes: 64 << 10,
  frames: 100_000,
  // 100,000 frames of 512x512, and a little more.
  pixels: 2 ** 35,
  promptCharacters: 4_000,
  // A source of an hour in good quality.
  uploadBytes: 16 * 2 ** 30,
  // Sixteen of the largest.
  ownerBytes: 256 * 2 ** 30,
  // Each may hold some MiB of memory, and an upload as much of the temporary directory as it has brought.
  transfers: 64,
  // Each may hold 1 MiB of unsent messages.
  watches: 100,
};
