// The version of a package that is installed, by the file that its code begins in. Knows nothing of what packages are for.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);

/** Without loading it. Some packages do not export their package.json, so it is looked for from their code upwards. @throws if it is not installed */
export function versionOfPackage(name: string): string {
  let folder = dirname(require.resolve(name));
  for (;;) {
    const found = manifestIn(folder);
    if (found?.name === name && found.version !== undefined) return found.version;
    if (dirname(folder) === folder) return 'unknown';
    folder = dirname(folder);
  }
}

function manifestIn(
  folder: string,
): { readonly name?: string; readonly version?: string } | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as object;
  } catch {
    return undefined;
  }
}
