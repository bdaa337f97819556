import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';

import {
  cpuClass,
  deviceHardware,
  inferenceClass,
  plainClass,
} from '../../../../workers/inference/numerics-class.ts';

const AVX512 = 'avx avx2 fma avx512f avx512bw avx512cd avx512dq avx512vl';

describe('the class of a processor', () => {
  it.each([
    ['x64', `flags\t\t: fpu sse2 ${AVX512} avx512_vnni avx512_bf16`, 'x64-avx512+vnni+bf16'],
    ['x64', `flags\t\t: fpu sse2 ${AVX512} avx512_vnni amx_tile`, 'x64-avx512+vnni+amx'],
    ['x64', 'flags : fpu sse2 avx avx2 fma avx512f avx512cd', 'x64-avx512f'],
    ['x64', 'flags : fpu sse2 avx avx2 fma', 'x64-avx2'],
    ['x64', 'flags : fpu sse2 avx avx2', 'x64-avx'],
    ['x64', 'flags : fpu sse2', 'x64-base'],
    ['arm64', 'Features\t: fp asimd asimdhp asimddp', 'arm64-neon+dotprod+fp16'],
    ['arm64', 'Features\t: fp asimd asimddp sve i8mm bf16', 'arm64-sve+dotprod+i8mm+bf16'],
    ['riscv64', 'isa : rv64gc', 'riscv64-base'],
  ])('of %s with %j is read from its flags', (architecture, cpuinfo, expected) => {
    expect(cpuClass(architecture, cpuinfo)).toBe(expected);
  });

  it('tells the size of its second cache, by which attention is cut', () => {
    expect(cpuClass('x64', 'flags : avx2 fma', '512K')).toBe('x64-avx2+l2-512k');
    expect(cpuClass('x64', 'flags : avx2 fma', '2048K')).not.toBe(
      cpuClass('x64', 'flags : avx2 fma', '512K'),
    );
  });

  it('is that of the first processor', () => {
    const cpuinfo = 'processor : 0\nflags : avx2 fma\n\nprocessor : 1\nflags : sse2\n';
    expect(cpuClass('x64', cpuinfo)).toBe('x64-avx2');
  });
});

describe('the numerics class', () => {
  it('names provider, processor, ONNX Runtime and V8', () => {
    expect(inferenceClass()).toMatch(
      /^cpu:[a-z0-9]+-[a-z0-9+-]+\/onnxruntime-\d+\.\d+\.\d+\/v8-\d+\.\d+$/,
    );
    // Whose own word it is; a coordinator says the same without loading it.
    expect(inferenceClass()).toContain(`/onnxruntime-${ort.env.versions.node}/`);
    expect(inferenceClass('webgpu:of-host')).toMatch(/^webgpu:of-host\/onnxruntime-/);
  });

  it.each([
    ['cuda', {}, 'cuda:some-gpu/tf32+timed-search'],
    ['cuda', { NVIDIA_TF32_OVERRIDE: '1' }, 'cuda:some-gpu/tf32+timed-search'],
    ['cuda', { NVIDIA_TF32_OVERRIDE: '0' }, 'cuda:some-gpu/no-tf32+timed-search'],
    ['tensorrt', {}, 'tensorrt:some-gpu/tf32+timed-search'],
    ['webgpu', {}, 'webgpu:some-gpu'],
  ])('says of %s with %j what changes its bits: %s', (provider, env, hardware) => {
    expect(deviceHardware(provider, 'some-gpu', env)).toBe(hardware);
    expect(inferenceClass(hardware)).toBe(
      `${hardware}/${inferenceClass().split('/').slice(1).join('/')}`,
    );
  });

  it('is the same each time', () => {
    expect(inferenceClass()).toBe(inferenceClass());
  });

  it('of JavaScript alone names V8', () => {
    expect(plainClass()).toMatch(/^v8-\d+\.\d+$/);
  });
});
