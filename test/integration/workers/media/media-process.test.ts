// What if the process that reads media dies, stalls or is not wanted any more? Real processes, really killed.

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { createMediaService, type MediaService } from '../../../../workers/media/media-service.ts';
import { codecBuild } from '../../../../workers/media/codec-build.ts';
import { collect, fixture } from '../../../support/media/clips.ts';

const size = { width: 512, height: 512 };
const request = {
  path: fixture('b-frames.mp4'),
  indices: [...Array(40).keys()],
  size,
  resize: 'stretch',
} as const;

const opened: MediaService[] = [];
function service(options?: Parameters<typeof createMediaService>[0]): MediaService {
  const created = createMediaService(options);
  opened.push(created);
  return created;
}
afterEach(async () => {
  await Promise.all(opened.splice(0).map((created) => created.close()));
});

async function digestOf(media: MediaService): Promise<string> {
  const hash = createHash('sha256');
  for await (const { rgb } of media.decode(request)) hash.update(rgb);
  return hash.digest('hex');
}

test('serves one request after the other from one process', async () => {
  const media = service();
  await media.probe(request.path);
  const [first] = media.processIds;
  const digests = await Promise.all([digestOf(media), digestOf(media)]);
  expect(digests[0]).toBe(digests[1]);
  expect(media.processIds).toEqual([first]);
});

test.each(['SIGSEGV', 'SIGABRT'] as const)(
  'names the file when its reader dies of %s, and goes on with a new process',
  async (signal) => {
    const media = service();
    const reading = async () => {
      for await (const { index } of media.decode(request)) {
        if (index === 0) process.kill(media.processIds[0]!, signal);
      }
    };
    await expect(reading()).rejects.toMatchObject({
      code: 'invalid-argument',
      message: `reading b-frames.mp4: the media process died (signal ${signal})`,
    });
    expect((await media.probe(request.path)).frames).toBe(40);
  },
);

test('calls a process that the kernel killed out of memory', async () => {
  const media = service();
  const reading = async () => {
    for await (const { index } of media.decode(request)) {
      if (index === 0) process.kill(media.processIds[0]!, 'SIGKILL');
    }
  };
  await expect(reading()).rejects.toMatchObject({ code: 'resource-exhausted' });
});

test('stops at once when it is aborted, and goes on with the next request', async () => {
  const media = service();
  const abort = new AbortController();
  const reading = async () => {
    for await (const { index } of media.decode(request, { signal: abort.signal })) {
      if (index === 1) abort.abort();
    }
  };
  await expect(reading()).rejects.toMatchObject({ code: 'cancelled' });
  expect(media.processIds).toEqual([]);
  expect((await media.probe(request.path)).frames).toBe(40);
});

test('refuses to begin what is aborted already', async () => {
  const media = service();
  const asked = media.probe(request.path, { signal: AbortSignal.abort() });
  await expect(asked).rejects.toMatchObject({ code: 'cancelled' });
});

test('gives up on a process that says nothing for too long', async () => {
  // Enough for a process to start on a busy machine.
  const media = service({ silenceMs: 8_000 });
  const reading = async () => {
    for await (const { index } of media.decode(request)) {
      if (index === 0) process.kill(media.processIds[0]!, 'SIGSTOP');
    }
  };
  await expect(reading()).rejects.toMatchObject({ code: 'deadline-exceeded' });
});

test('leaves the loop early without harm to the next request', async () => {
  const media = service();
  for await (const { index } of media.decode(request)) {
    expect(index).toBe(0);
    break;
  }
  expect(await collect(media.decode({ ...request, indices: [7] }))).toHaveLength(1);
});

test('decodes no more than a few frames ahead of a slow reader', async () => {
  const media = service();
  const frames = media.decode(request);
  await frames.next();
  // Long enough for all 40 frames to come over, were they not held back; what came can be read after the kill.
  await sleep(300);
  process.kill(media.processIds[0]!, 'SIGKILL');
  let came = 0;
  await expect(
    (async () => {
      while (!(await frames.next()).done) came++;
    })(),
  ).rejects.toMatchObject({ code: 'resource-exhausted' });
  expect(came).toBeGreaterThan(0);
  expect(came).toBeLessThanOrEqual(5);
});

test('names the versions that pixels and bytes depend on', () => {
  expect(codecBuild()).toMatch(
    /^node-av-\d+\.\d+\.\d+\+sharp-\d+\.\d+\.\d+\+libvips-\d+\.\d+\.\d+\+[a-z\d]+-[a-z\d]+$/,
  );
});

test.runIf(process.platform === 'linux')(
  'ends a reader that wants more memory than it may have, and goes on',
  async () => {
    const free = service();
    // The decoder's own threads and buffers are allowed for: it calls a file damaged when it cannot have those.
    await digestOf(free);
    const status = await readFile(`/proc/${free.processIds[0]!}/status`, 'utf8');
    const usualMiB = Math.ceil(Number(/VmPeak:\s*(\d+) kB/.exec(status)![1]) / 1024);
    const media = service({ addressMiB: usualMiB + 150 });
    const reading = async () => {
      const huge = { ...request, indices: [0], size: { width: 16_384, height: 16_384 } };
      for await (const { rgb } of media.decode(huge)) expect(rgb).toBeDefined();
    };
    await expect(reading()).rejects.toMatchObject({ code: 'resource-exhausted' });
    expect((await media.probe(request.path)).frames).toBe(40);
  },
);

test.runIf(process.platform === 'linux')(
  'stays far below its limit on memory with ordinary videos',
  async () => {
    const media = service();
    await digestOf(media);
    const status = await readFile(`/proc/${media.processIds[0]!}/status`, 'utf8');
    expect(Number(/VmPeak:\s*(\d+) kB/.exec(status)![1]) / 1024).toBeLessThan(8_192);
    const limits = await readFile(`/proc/${media.processIds[0]!}/limits`, 'utf8');
    expect(limits).toMatch(/Max address space\s+\d+/);
  },
);
