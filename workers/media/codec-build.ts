// Which codecs this installation has: the part of the numerics class that decoded pixels and encoded bytes depend on.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import sharp from 'sharp';
import { encoderProcessors } from './process/processors.ts';

const require = createRequire(import.meta.url);

/** `webcodecs-1.3.1+sharp-0.35.5+libvips-8.18.7+processors-1`: versions, and how many processors an encoder sees. */
export function codecBuild(): string {
  const { sharp: version, vips } = sharp.versions;
  const processors = encoderProcessors();
  return `webcodecs-${webcodecsVersion()}+sharp-${version}+libvips-${vips}+processors-${processors}`;
}

function webcodecsVersion(): string {
  // The package does not export its package.json, so it is read beside the file that it does export.
  const folder = path.dirname(require.resolve('@napi-rs/webcodecs'));
  const manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as {
    version: string;
  };
  return manifest.version;
}
