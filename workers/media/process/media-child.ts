// The process in which untrusted media is read and videos are written: started by media-process.ts, serves one
// request after the other, ends when its parent goes. If a codec crashes, only this process dies.

import assert from 'node:assert';
import { stat } from 'node:fs/promises';
import { BivdiffError, type FailureJson } from '../../../common/errors.ts';
import { encodeFrames } from '../encode.ts';
import { listenToFfmpeg } from '../ffmpeg/open-input.ts';
import { saysOutOfMemory, unreadableError } from '../media-errors.ts';
import {
  PICTURES_AHEAD,
  type ChildMessage,
  type MediaRequest,
  type ParentMessage,
} from './media-protocol.ts';
import { decodeFrames, openSource, restSource, type MediaSource } from '../sources/media-source.ts';
import { surveyPictures } from '../sources/image-source.ts';
import type { DecodeRequest, EncodeRequest, VideoFacts } from '../media-types.ts';
import { MessageQueue } from './message-queue.ts';

/** A source's index is read once for all the batches that are decoded from it in turn. */
const SOURCES_KEPT = 4;
const sources = new Map<string, MediaSource>();

listenToFfmpeg();
const inbox = new MessageQueue<ParentMessage>();
process.on('message', (message) => inbox.push(message as ParentMessage));
process.on('disconnect', () => process.exit(0));
// A terminal sends Ctrl-C to every process of the command. The parent decides what becomes of this one.
process.on('SIGINT', () => undefined);

for (;;) {
  const message = await inbox.next();
  // Credits of a request that has ended may still arrive.
  if (message.kind === 'start') await serve(message.request);
}

async function serve(request: MediaRequest): Promise<void> {
  try {
    send({ kind: 'done', result: await answer(request) });
  } catch (reason) {
    send({ kind: 'failed', failure: failureOf(reason, request) });
  }
}

/** The error with its cause's words; the cause's own details mean nothing outside this process. */
function failureOf(reason: unknown, request: MediaRequest): FailureJson {
  const error = readingError(BivdiffError.from(reason), request);
  const { message, hint, details, cause } = error;
  const isMemory = error.code === 'internal' && saysOutOfMemory(message);
  const code = isMemory ? 'resource-exhausted' : error.code;
  const retry = isMemory ? 'other-worker' : error.retry;
  const own = { code, message, retry, details, ...(hint === undefined ? {} : { hint }) };
  if (!(cause instanceof Error)) return own;
  return { ...own, cause: { code: 'internal', message: cause.message, retry, details: {} } };
}

/** Whatever else goes wrong while a file is read is the file's: trying again would end the same way. */
function readingError(error: BivdiffError, request: MediaRequest): BivdiffError {
  if (request.kind === 'encode' || error.code !== 'internal') return error;
  if (saysOutOfMemory(error.message)) return error;
  return unreadableError(request.kind === 'probe' ? request.path : request.request.path, error);
}

async function answer(request: MediaRequest) {
  switch (request.kind) {
    case 'probe':
      return probe(request.path, request.survey);
    case 'decode':
      return decode(request.request);
    case 'encode':
      return encode(request.request);
  }
}

async function probe(path: string, survey: boolean): Promise<VideoFacts> {
  const source = await openCached(path);
  if (!survey || source.facts.container !== 'image-folder') return source.facts;
  assert(source.kind === 'images');
  const pictures = await surveyPictures(source.images);
  return { ...source.facts, alpha: pictures.withAlpha > 0, pictures };
}

async function decode(request: DecodeRequest): Promise<undefined> {
  const source = await openCached(request.path);
  let credit = PICTURES_AHEAD;
  for await (const frame of decodeFrames(source, request)) {
    while (credit <= 0) {
      await inbox.next();
      credit++;
    }
    credit--;
    send({ kind: 'picture', ...frame });
  }
  return undefined;
}

function encode(request: EncodeRequest) {
  return encodeFrames(request, picturesFromParent());
}

async function* picturesFromParent(): AsyncGenerator<Uint8Array> {
  for (;;) {
    const message = await inbox.next();
    if (message.kind === 'end') return;
    if (message.kind !== 'picture') continue;
    yield message.rgb;
    send({ kind: 'more' });
  }
}

async function openCached(path: string): Promise<MediaSource> {
  const facts = await stat(path).catch(() => undefined);
  const key = `${path}\n${facts?.size}\n${facts?.mtimeMs}\n${facts?.ino}`;
  const source = sources.get(key) ?? (await openSource(path));
  sources.delete(key);
  sources.set(key, source);
  // One decoder at a time: each holds up to some 20 pictures.
  for (const other of sources.values()) if (other !== source) restSource(other);
  if (sources.size > SOURCES_KEPT) sources.delete(sources.keys().next().value!);
  return source;
}

function send(message: ChildMessage): void {
  process.send?.(message);
}
