// How large messages may be: both sides of a connection keep to it, and no setting changes it.

/** Of an artifact: bytes per message. */
export const CHUNK_BYTES = 256 * 1024;

/** Largest document that travels. A manifest of a job of 10,000 tasks has about 3 MB. */
export const DOCUMENT_BYTES_MAX = 4 << 20;

/** Largest message that a coordinator or a client takes: a document, its checksum and its name. */
export const MESSAGE_BYTES_MAX = DOCUMENT_BYTES_MAX + (64 << 10);
