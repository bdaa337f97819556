// How large messages may be, which both sides of a connection keep to; and what a coordinator takes from its clients unless its
// settings say otherwise.

/** Of an artifact: bytes per message. */
export const CHUNK_BYTES = 256 * 1024;

/** Largest document that travels. A manifest of a job of 10,000 tasks has about 3 MB. */
export const DOCUMENT_BYTES_MAX = 4 << 20;

/** Largest message that a coordinator or a client takes: a document, its checksum and its name. */
export const MESSAGE_BYTES_MAX = DOCUMENT_BYTES_MAX + (64 << 10);

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
  // Each may hold 1 MiB of unsent messages.
  watches: 100,
};
