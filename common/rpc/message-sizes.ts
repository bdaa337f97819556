// How large messages may be: both sides of a connection keep to it, and no setting changes it.

/** Of an artifact: bytes per message. */
export const CHUNK_BYTES = 256 * 1024;

/**
 * Largest document that travels: a manifest of a job of 10,000 tasks has about 3 MB. And the longest record that does so in a message, of some
 * 30,000 pictures; a longer one goes as an artifact.
 */
export const DOCUMENT_BYTES_MAX = 4 << 20;

/** Longest record that a coordinator takes at all: of a million pictures. */
export const RECORD_BYTES_MAX = 192 << 20;

/** Largest message that a coordinator or a client takes: a document, its checksum and its name. */
export const MESSAGE_BYTES_MAX = DOCUMENT_BYTES_MAX + (64 << 10);
