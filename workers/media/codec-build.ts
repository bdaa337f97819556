// Which codecs this installation has: the part of the numerics class that decoded pixels and encoded bytes depend on.

import sharp from 'sharp';
import { versionOfPackage } from '../../common/package-version.ts';

/**
 * `node-av-6.1.1+sharp-0.35.5+libvips-8.18.7+linux-x64`: node-av's version names one build of FFmpeg for each system and architecture, and
 * compiled code rounds in its own way on each.
 */
export function codecBuild(): string {
  const { sharp: version, vips } = sharp.versions;
  const machine = `${process.platform}-${process.arch}`;
  return `node-av-${versionOfPackage('node-av')}+sharp-${version}+libvips-${vips}+${machine}`;
}
