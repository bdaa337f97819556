// Runs as a process: tries the execution provider named on the command line on a tiny graph. Prints nothing if it
// works, else one line that says why not, and to standard error what ONNX Runtime says of it.

import './no-telemetry.ts';
import * as ort from 'onnxruntime-node';

import { providerOption } from './provider-option.ts';

/** y = x + x for one float: the smallest graph that has work to do. ONNX, opset 18. */
const DOUBLE =
  'CAo6OgoOCgF4CgF4EgF5IgNBZGQSBmRvdWJsZVoPCgF4EgoKCAgBEgQKAggBYg8KAXkSCgoICAESBAoCCAFCBAoAEBI=';

try {
  ort.env.logLevel = 'error';
  const session = await ort.InferenceSession.create(Buffer.from(DOUBLE, 'base64'), {
    executionProviders: [providerOption(process.argv[2] ?? 'cpu')],
    logSeverityLevel: 3,
  });
  const { y } = await session.run({ x: new ort.Tensor('float32', Float32Array.of(21), [1]) });
  const values = y?.data as Float32Array | undefined;
  if (values?.[0] !== 42) process.stdout.write(`21 + 21 gave ${String(values?.[0])}\n`);
  await session.release();
} catch (reason) {
  const text = reason instanceof Error ? reason.message : String(reason);
  process.stdout.write(`${text.replaceAll(/\s+/g, ' ').trim()}\n`);
}
