// Versions of what can change or explain a result, for manifests and `doctor`.

import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

function versionOf(name: string): string {
  try {
    return (require(`${name}/package.json`) as { readonly version: string }).version;
  } catch {
    // Some packages do not export their package.json; the name is still worth a line.
    return 'unknown';
  }
}

/** Name to version: this program, Node, and the libraries that touch bits. */
export function programVersions(): Readonly<Record<string, string>> {
  const own = require('../package.json') as { readonly version: string };
  return {
    bivdiff: own.version,
    node: process.versions.node,
    'onnxruntime-node': versionOf('onnxruntime-node'),
    '@napi-rs/webcodecs': versionOf('@napi-rs/webcodecs'),
    sharp: versionOf('sharp'),
  };
}
