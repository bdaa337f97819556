import { describe, expect, it } from 'vitest';

import { lackOf } from '../../../../workers/inference/onnx/provider-needs.ts';

/** As onnxruntime-node 1.30 says it of every cause, and what it logs beside. */
const SAID = 'OrtSessionOptionsAppendExecutionProvider_Cuda: Failed to load shared library';
const logged = (why: string): string =>
  `[E:onnxruntime:onnxruntime-node, provider_bridge_ort.cc:2146 Create] [ONNXRuntimeError] : 1 : FAIL : Failed to load library /opt/x64/libonnxruntime_providers_cuda.so with error: ${why}: No such file or directory`;

describe('what a provider lacks', () => {
  it.each([
    [
      '/opt/x64/libonnxruntime_providers_cuda.so: cannot open shared object file',
      /libonnxruntime_providers_cuda\.so\) is not installed/,
      /get-cuda\.sh/,
    ],
    [
      '/opt/x64/libonnxruntime_providers_shared.so: cannot open shared object file',
      /libonnxruntime_providers_shared\.so\) is not installed/,
      /get-cuda\.sh/,
    ],
    ['libcuda.so.1: cannot open shared object file', /driver \(libcuda\.so\.1\) is missing/, /580/],
    [
      'libcublasLt.so.13: cannot open shared object file',
      /CUDA or cuDNN \(libcublasLt\.so\.13\) is missing/,
      /get-cuda\.sh/,
    ],
    [
      'libnvinfer.so.10: cannot open shared object file',
      /TensorRT \(libnvinfer\.so\.10\) is missing/,
      /TensorRT 10 comes from NVIDIA/,
    ],
    [
      'libvulkan.so.1: cannot open shared object file',
      /loader of Vulkan \(libvulkan/,
      /libvulkan1/,
    ],
  ])('is named: %s', (why, reason, advice) => {
    const lack = lackOf(SAID, logged(why));
    expect(lack.reason).toMatch(reason);
    expect(lack.advice).toMatch(advice);
  });

  it.each([
    ['CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version', /older/],
    ['CUDA failure 100: no CUDA-capable device is detected', /shows no GPU/],
    ['CUDA failure 101: invalid device ordinal', /no device of that number/],
    ['Failed to get a WebGPU adapter: No supported adapters', /no WebGPU adapter/],
  ])('is told in our words: %s', (said, reason) => {
    const lack = lackOf(said, '');
    expect(lack.reason).toMatch(reason);
    expect(lack.advice).toBeDefined();
  });

  it('is what the library says where that is unknown', () => {
    expect(lackOf('the moon is full', '')).toEqual({ reason: 'the moon is full' });
  });
});
