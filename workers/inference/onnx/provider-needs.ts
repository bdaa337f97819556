// What an execution provider of ONNX Runtime lacks on this machine, out of what the library says, and what to do about it. Pure: texts alone.

export interface Lack {
  /** In one line. */
  readonly reason: string;
  readonly advice?: string;
}

const GET_CUDA =
  '`scripts/get-cuda.sh` brings it to a checkout; the image bivdiff-worker-cuda has it.';
const GET_TENSORRT =
  'TensorRT 10 comes from NVIDIA: install it where the loader looks (LD_LIBRARY_PATH); the device cuda does without.';
const DRIVER =
  "Install NVIDIA's driver, 580 or newer; a container wants NVIDIA's container toolkit.";

interface Translation {
  readonly pattern: RegExp;
  readonly what: (found: string) => string;
  readonly advice: string;
}

/** Seen from onnxruntime-node 1.30 (with the providers of its CUDA 13 build), the loader of glibc, and CUDA 13. The first that fits. */
const TRANSLATIONS: readonly Translation[] = [
  {
    pattern: /(libonnxruntime_providers_\w+\.so): cannot open/,
    what: (file) => `ONNX Runtime's library for NVIDIA's GPUs (${file}) is not installed`,
    advice: GET_CUDA,
  },
  {
    pattern: /(libcuda\.so\.1): cannot open/,
    what: (file) => `NVIDIA's driver (${file}) is missing`,
    advice: DRIVER,
  },
  {
    pattern: /(lib(?:nvinfer|nvonnxparser)[\w.]*): cannot open/,
    what: (file) => `a library of TensorRT (${file}) is missing`,
    advice: GET_TENSORRT,
  },
  {
    pattern: /(libvulkan\.so[\d.]*): cannot open/,
    what: (file) => `the loader of Vulkan (${file}) is missing`,
    advice: "Install it (Debian's package libvulkan1) and the GPU's Vulkan driver.",
  },
  {
    pattern: /(lib[\w.]+\.so[\d.]*): cannot open/,
    what: (file) => `a library of CUDA or cuDNN (${file}) is missing`,
    advice: GET_CUDA,
  },
  {
    pattern: /CUDA failure (35)\b|driver version is insufficient/,
    what: () => "NVIDIA's driver is older than this CUDA (failure 35)",
    advice: DRIVER,
  },
  {
    pattern: /CUDA failure (100)\b|no CUDA-capable device/,
    what: () => "NVIDIA's driver shows no GPU (failure 100)",
    advice: 'See what `nvidia-smi` lists, and CUDA_VISIBLE_DEVICES.',
  },
  {
    pattern: /CUDA failure (101)\b|invalid device ordinal/,
    what: () => 'there is no device of that number (failure 101)',
    advice: '`nvidia-smi` lists them, from 0 on.',
  },
  {
    pattern: /Failed to get a WebGPU adapter/,
    what: () => 'no WebGPU adapter: there is no GPU with a Vulkan driver',
    advice: "Install the GPU's Vulkan driver.",
  },
];

/** `said`: the error; `logged`: what ONNX Runtime printed on the way, which names the file that the error leaves out. */
export function lackOf(said: string, logged: string): Lack {
  const text = `${logged}\n${said}`;
  for (const { pattern, what, advice } of TRANSLATIONS) {
    const match = pattern.exec(text);
    if (match !== null) return { reason: what(match[1] ?? ''), advice };
  }
  return { reason: said };
}
