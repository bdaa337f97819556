// Graphs as they are kept once ONNX Runtime has optimised them: the same bits, in memory that processes share, and nothing that is wrong with
// the folder can do more than make loading slow.

import { execFile, spawnSync } from 'node:child_process';
import {
  copyFile,
  mkdir,
  mkdtemp,
  open,
  readdir,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { ownIdentity, textOfIdentity } from '../../../../common/files/process-identity.ts';
import { inspectModelSet } from '../../../../common/models/model-folder.ts';
import type { Digest } from '../../../../common/task.ts';
import { openOnnxSession } from '../../../../workers/inference/onnx/onnx-session.ts';
import type { KeptGraphs } from '../../../../workers/inference/onnx/kept-graphs.ts';
import type { Tensor } from '../../../../workers/tensor/tensor.ts';
import { feedsOf } from '../../../support/models/graph-feeds.ts';
import { graphPath } from '../../../support/models/paths.ts';
import { casesOf } from '../../../support/thorough.ts';

const MIB = 2 ** 20;
const DEMO = fileURLToPath(new URL('../../../../models/demo', import.meta.url));
const OPEN_KEPT = fileURLToPath(new URL('../../../support/models/open-kept.ts', import.meta.url));
const { parts } = await inspectModelSet(DEMO, { cacheFolder: false });
const GRAPHS = parts.filter(({ graph }) => graph !== undefined);
/** One of each kind of graph; what differs in weights alone is left to the long run. */
const QUICK_GRAPHS = [
  ...['image/text-encoder', 'image/vae-decoder', 'image/unet', 'image/annotator+pose'],
  'video/animatediff/unet',
];
const UNET = GRAPHS.find(({ name }) => name === 'image/unet')!;

let folder: string;
let kept: KeptGraphs;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-kept-'));
  kept = { folder: join(folder, 'graphs'), bytesMax: 2 ** 30, weightBytesMin: 0 };
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

type Outputs = Readonly<Record<string, Tensor>>;

interface Opening {
  readonly kept?: KeptGraphs;
  readonly threads?: number;
  readonly digest?: string;
}

/** What a graph computes of its ramps. */
async function run(graph: string, opening: Opening = {}): Promise<Outputs> {
  const { threads = 2, kept: place, digest = 'a'.repeat(64) } = opening;
  const keeping = place === undefined ? {} : { kept: place, digest: digest as Digest };
  const session = await openOnnxSession({ name: 'the-part', graph, threads, ...keeping });
  try {
    return await session.run(feedsOf(session));
  } finally {
    await session.release();
  }
}

/** Names in the folder, and of each the inode: another means that it was made anew. */
async function entries(): Promise<Readonly<Record<string, number>>> {
  const names = await readdir(kept.folder);
  const found = names.map(async (name) => [name, (await stat(join(kept.folder, name))).ino]);
  return Object.fromEntries(await Promise.all(found)) as Readonly<Record<string, number>>;
}

async function onlyEntry(): Promise<string> {
  const names = await readdir(kept.folder);
  expect(names).toHaveLength(1);
  return join(kept.folder, names[0]!);
}

describe.each(casesOf(GRAPHS, ({ name }) => QUICK_GRAPHS.includes(name)))(
  'the shipped $name',
  ({ graph }) => {
    it('computes the same bits from what is kept, with any threads', async () => {
      const plain = await run(graph!);
      expect(await run(graph!, { kept })).toEqual(plain);
      const made = await entries();
      for (const threads of [1, 3]) expect(await run(graph!, { kept, threads })).toEqual(plain);
      expect(await entries()).toEqual(made);
      expect(Object.keys(made)).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)]);
    });
  },
);

describe('a kept graph', () => {
  const flip = async (path: string): Promise<void> => {
    await using file = await open(path, 'r+');
    await file.write(Buffer.from([0xff]), 0, 1, 4096);
  };
  const damages: Readonly<Record<string, (entry: string) => Promise<void>>> = {
    'whose weights were cut off': async (entry) => {
      await using file = await open(join(entry, 'weights.bin'), 'r+');
      await file.truncate(MIB);
    },
    'whose weights were written to': (entry) => flip(join(entry, 'weights.bin')),
    'whose graph was written to': (entry) => flip(join(entry, 'model.onnx')),
    'that has lost its weights': (entry) => rm(join(entry, 'weights.bin')),
    'of which nothing is said': (entry) => rm(join(entry, 'kept.json')),
    'of which something else is said': (entry) => writeFile(join(entry, 'kept.json'), '[{'),
  };
  it.each(Object.entries(damages))('%s is made anew', async (_, damage) => {
    const plain = await run(UNET.graph!, { kept });
    const before = await entries();
    await damage(await onlyEntry());
    expect(await run(UNET.graph!, { kept })).toEqual(plain);
    const after = await entries();
    expect(Object.keys(after)).toEqual(Object.keys(before));
    expect(after).not.toEqual(before);
  });

  it('that ONNX Runtime refuses is dropped, and the graph itself is loaded', async () => {
    const plain = await run(UNET.graph!, { kept });
    const entry = await onlyEntry();
    await writeFile(join(entry, 'model.onnx'), 'no graph');
    // As if it had been written so.
    const facts = await Promise.all(
      ['model.onnx', 'weights.bin'].map(async (name) => {
        const { size, mtimeNs, ctimeNs, ino } = await stat(join(entry, name), { bigint: true });
        return [name, [size, mtimeNs, ctimeNs, ino].join(' ')] as const;
      }),
    );
    const said = { version: 1, files: Object.fromEntries(facts) };
    await writeFile(join(entry, 'kept.json'), JSON.stringify(said));
    expect(await run(UNET.graph!, { kept })).toEqual(plain);
    expect(await entries()).toEqual({});
  });

  it('is another one for another part', async () => {
    await run(UNET.graph!, { kept });
    await run(UNET.graph!, { kept, digest: 'b'.repeat(64) });
    expect(Object.keys(await entries())).toHaveLength(2);
  });

  it('goes when there is no room, the one first that was unused longest', async () => {
    const digests = ['a', 'b', 'c'].map((letter) => letter.repeat(64));
    const [first, second, third] = digests;
    await run(UNET.graph!, { kept, digest: first! });
    const entry = await onlyEntry();
    const sizes = await Promise.all(
      (await readdir(entry)).map(async (name) => (await stat(join(entry, name))).size),
    );
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    await run(UNET.graph!, { kept, digest: second! });
    const names = Object.keys(await entries());
    const [firstName, secondName] = [entry, names.find((name) => !entry.endsWith(name))!];
    // Used a minute and an hour ago.
    for (const [name, ago] of [
      [firstName, 60] as const,
      [join(kept.folder, secondName), 3600] as const,
    ]) {
      const then = Date.now() / 1000 - ago;
      await utimes(name, then, then);
    }
    // What is to come is taken for twice its weights.
    const tight = { ...kept, bytesMax: 3.2 * bytes };
    await run(UNET.graph!, { kept: tight, digest: third! });
    const left = Object.keys(await entries());
    expect(left).toHaveLength(2);
    expect(left).not.toContain(secondName);
  });
});

describe('a graph is loaded as it is, and nothing kept,', () => {
  it('where the folder cannot be made', async () => {
    await writeFile(join(folder, 'file'), '');
    const place = { ...kept, folder: join(folder, 'file', 'graphs') };
    expect(await run(UNET.graph!, { kept: place })).toEqual(await run(UNET.graph!));
  });

  it('where it alone passes the bound, or has few weights', async () => {
    await run(UNET.graph!, { kept: { ...kept, bytesMax: MIB } });
    await run(UNET.graph!, { kept: { ...kept, weightBytesMin: 2 ** 30 } });
    await expect(readdir(kept.folder)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('where nobody says of which part it is, or another provider runs it', async () => {
    const said = { name: 'the-part', graph: UNET.graph!, threads: 1, kept };
    await (await openOnnxSession(said)).release();
    const other = { ...said, digest: 'a'.repeat(64) as Digest, executionProviders: ['xnnpack'] };
    await openOnnxSession(other).then(
      (session) => session.release(),
      () => undefined,
    );
    await expect(readdir(kept.folder)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('processes that share the folder', () => {
  const words = (graph: string): string[] => [OPEN_KEPT, graph, kept.folder];
  interface Said {
    readonly taken: number;
    readonly outputs: Readonly<Record<string, string>>;
  }
  const openIn = async (graph: string): Promise<Said> => {
    const { stdout } = await promisify(execFile)(process.execPath, words(graph));
    return JSON.parse(stdout) as Said;
  };

  it('make it at one time, and have the same', async () => {
    const said = await Promise.all(Array.from({ length: 4 }, () => openIn(UNET.graph!)));
    for (const { outputs } of said) expect(outputs).toEqual(said[0]!.outputs);
    await onlyEntry();
  });

  it.runIf(process.platform === 'linux')('share its weights', async () => {
    const graph = join(folder, 'large.onnx');
    await copyFile(graphPath('large.onnx'), graph);
    await writeFile(join(folder, 'large.bin'), Buffer.alloc(64 * MIB, 1));
    await openIn(graph);
    const { taken } = await openIn(graph);
    expect(taken).toBeLessThan(32);
  });

  it('remove what one left that was killed while it made one', async () => {
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    const gone = textOfIdentity({ ...(await ownIdentity()), pid });
    const left = join(kept.folder, `making-${'c'.repeat(64)}-${gone}.00ff`);
    await mkdir(left, { recursive: true });
    await writeFile(join(left, 'weights.bin'), 'half');
    await run(UNET.graph!, { kept });
    await onlyEntry();
  });
});
