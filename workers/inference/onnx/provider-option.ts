// An execution provider as ONNX Runtime takes it.

import type { InferenceSession } from 'onnxruntime-node';

/** `cuda:1` is the second device of `cuda`. Other options of a provider are not handed on by the binding: numerics-class.ts. */
export function providerOption(name: string): InferenceSession.ExecutionProviderConfig {
  const [provider = name, index] = name.split(':');
  if (index === undefined) return provider;
  // Those that have several devices, CUDA and its like, take it by this name.
  const option = { name: provider, deviceId: Number(index) };
  return option;
}
