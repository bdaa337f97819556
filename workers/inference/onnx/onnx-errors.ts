// The one place where ONNX Runtime's messages become our errors. The binding throws plain Errors without a code,
// so the text decides; each pattern was seen from onnxruntime-node 1.30.

import { BivdiffError } from '../../../common/errors.ts';
import type { ErrorCode, RetryAdvice } from '../../../common/errors.ts';

interface Translation {
  readonly pattern: RegExp;
  readonly code: ErrorCode;
  readonly retry?: RetryAdvice;
  readonly what: string;
  readonly hint: string;
}

const outOfMemory: Translation = {
  pattern: /failed to allocate memory|bad_?alloc|out of memory|allocation failed|E_OUTOFMEMORY/i,
  code: 'resource-exhausted',
  retry: 'other-worker',
  what: 'not enough memory',
  hint: 'Use fewer lanes, a smaller size or window, or a machine with more memory.',
};

const loadTranslations: readonly Translation[] = [
  outOfMemory,
  {
    // A shared library, driver or adapter that this machine lacks.
    pattern:
      /execution ?provider|backend (found|not found)|webgpu adapter|shared library|CUDA|TensorRT/i,
    code: 'failed-precondition',
    what: 'the execution provider cannot be used on this machine',
    hint: 'Choose the provider `cpu`; `bivdiff doctor` lists what this machine has.',
  },
  {
    pattern: /external data path escapes/i,
    code: 'failed-precondition',
    what: 'its weights lie outside its own folder, which ONNX Runtime refuses',
    hint: 'Put the graph and the weights file that it names into one folder.',
  },
  {
    pattern: /external data path does not exist|external data.*(no such file|cannot open)/i,
    code: 'failed-precondition',
    what: 'a weights file that it names is missing',
    hint: 'Copy the missing file beside the graph, or export the model again.',
  },
  {
    pattern:
      /out of bounds or can not be read in full|external (data|initializer).*(size|length|offset)/i,
    code: 'failed-precondition',
    what: 'a weights file is shorter than the graph says',
    hint: 'The file was cut off, perhaps while copying: fetch it again, or export the model again.',
  },
  {
    pattern: /file doesn't exist|no such file/i,
    code: 'failed-precondition',
    what: 'the file does not exist',
    hint: 'Run `bivdiff models check` on the model folder.',
  },
  {
    pattern: /opset|no op registered|not implemented|could not find an implementation/i,
    code: 'failed-precondition',
    what: 'it uses operators that this ONNX Runtime does not have',
    hint: 'Export the model with opset 18.',
  },
  {
    pattern:
      /protobuf parsing failed|does not have a graph|invalid model|type error|load model from/i,
    code: 'failed-precondition',
    what: 'the file is not a sound ONNX model',
    hint: 'The file is damaged or of another kind: fetch it again, or export the model again.',
  },
];

const runTranslations: readonly Translation[] = [
  outOfMemory,
  {
    pattern: /shape|dimension|broadcast|rank|incompatible|unexpected input data type|mismatch/i,
    code: 'invalid-argument',
    what: 'the sizes of its inputs do not go together',
    hint: "Width and height must be multiples of the model's own step; `bivdiff models check` shows it.",
  },
];

/**
 * What ONNX Runtime threw, in our words.
 * - not enough memory: `resource-exhausted`, another worker may have more
 * - a file missing, damaged or of too new an opset, a provider not there: `failed-precondition`
 * - inputs whose sizes do not go together: `invalid-argument`
 * - anything else while running: `internal`
 */
export function translateOnnxError(
  reason: unknown,
  graph: { readonly phase: 'load' | 'run'; readonly name: string; readonly path: string },
): BivdiffError {
  if (reason instanceof BivdiffError) return reason;
  const said = shorten(reason instanceof Error ? reason.message : String(reason));
  const doing = `${graph.phase === 'load' ? 'loading' : 'running'} ${graph.name} (${graph.path})`;
  const details = { graph: graph.name, path: graph.path };
  const table = graph.phase === 'load' ? loadTranslations : runTranslations;
  const found = table.find(({ pattern }) => pattern.test(said));
  if (found === undefined) {
    return new BivdiffError('internal', `${doing}: ONNX Runtime failed: ${said}`, {
      details,
      cause: reason,
    });
  }
  return new BivdiffError(found.code, `${doing}: ${found.what}: ${said}`, {
    hint: found.hint,
    details,
    cause: reason,
    ...(found.retry === undefined ? {} : { retry: found.retry }),
  });
}

/** Drops the C++ source place and signature that ONNX Runtime puts in front of the sentence that matters. */
function shorten(message: string): string {
  const withoutPlaces = message
    .replaceAll(/\/\S*onnxruntime_src\/\S+\.(?:cc|h):\d+ .*?\)(?: const)? (?=\S)/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return withoutPlaces.length > 500 ? `${withoutPlaces.slice(0, 500)}...` : withoutPlaces;
}
