// Versions of what can change or explain a result, for manifests and `doctor`.

import { createRequire } from 'node:module';

import { versionOfPackage } from '../common/package-version.ts';

const require = createRequire(import.meta.url);

/** Name to version: this program, Node, and the libraries that touch bits. */
export function programVersions(): Readonly<Record<string, string>> {
  const own = require('../package.json') as { readonly version: string };
  const libraries = ['onnxruntime-node', 'node-av', 'sharp'];
  return {
    bivdiff: own.version,
    node: process.versions.node,
    ...Object.fromEntries(libraries.map((name) => [name, versionOfPackage(name)])),
  };
}
