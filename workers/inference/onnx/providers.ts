// Which execution providers this machine can really use, for `bivdiff doctor`. Each is tried in a process of its own: a
// broken GPU driver can take its process with it, and prints what nobody asked for.

import { execFile } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import './no-telemetry.ts';
import * as ort from 'onnxruntime-node';

import { lackOf } from './provider-needs.ts';

export interface ProviderFacts {
  /** As ONNX Runtime names it: cpu, webgpu, cuda ... */
  readonly name: string;
  readonly isUsable: boolean;
  /** Why not, in one line. */
  readonly reason?: string;
  /** What to do about it, where that is known. */
  readonly advice?: string;
}

const PROBE_TIMEOUT_MS = 30_000;

/** Every provider that this build of ONNX Runtime knows, tried on a tiny graph. Takes a second or so each. */
export async function listExecutionProviders(
  options: { readonly signal?: AbortSignal } = {},
): Promise<readonly ProviderFacts[]> {
  const names = ort.listSupportedBackends().map(({ name }) => name);
  return Promise.all(names.map((name) => probeProvider(name, options)));
}

/** Attempts one provider on a tiny graph, in a process of its own. */
export async function probeProvider(
  name: string,
  options: { readonly signal?: AbortSignal } = {},
): Promise<ProviderFacts> {
  const script = new URL(`./provider-probe${extname(import.meta.filename)}`, import.meta.url);
  try {
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      [fileURLToPath(script), name],
      {
        timeout: PROBE_TIMEOUT_MS,
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      },
    );
    const reason = stdout.trim();
    return reason === ''
      ? { name, isUsable: true }
      : { name, isUsable: false, ...lackOf(reason, stderr) };
  } catch (reason) {
    options.signal?.throwIfAborted();
    return { name, isUsable: false, reason: `trying it ended its process: ${lastLine(reason)}` };
  }
}

function lastLine(reason: unknown): string {
  const text = reason instanceof Error ? reason.message : String(reason);
  return text.trim().split('\n').at(-1) ?? '';
}
