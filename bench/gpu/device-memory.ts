// What is held of a device's memory now: by everybody on a GPU, as NVIDIA's driver tells it; by this process on the processor.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const QUERY_MS = 10_000;
const MIB = 2 ** 20;

/** Bytes. @throws Error — the driver does not answer */
export async function deviceBytes(device: string): Promise<number> {
  if (device === 'cpu') return process.memoryUsage.rss();
  const [, index = '0'] = device.split(':');
  const query = ['--query-gpu=memory.used', '--format=csv,noheader,nounits', `--id=${index}`];
  const { stdout } = await promisify(execFile)('nvidia-smi', query, { timeout: QUERY_MS });
  return Number(stdout.trim()) * MIB;
}
