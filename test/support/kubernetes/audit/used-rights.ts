// Rights that are granted, and those that were used, in lines that can be compared.

import type { V1PolicyRule } from '@kubernetes/client-node';

import type { Audited } from './audit-log.ts';

/** VERB GROUP/RESOURCE NAME, each once. */
export function rightsOf(rules: readonly V1PolicyRule[]): readonly string[] {
  const all = rules.flatMap(({ apiGroups = [], resources = [], verbs, resourceNames = [] }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) =>
        verbs.flatMap((verb) =>
          (resourceNames.length === 0 ? ['*'] : resourceNames).map(
            (name) => `${verb} ${group}/${resource} ${name}`,
          ),
        ),
      ),
    ),
  );
  return [...new Set(all)].sort();
}

/** As `rightsOf`, of requests that accounts have made; a name only where the Role names some. */
export function usedLines(
  audited: readonly Audited[],
  { isUser, granted }: { readonly isUser: RegExp; readonly granted: readonly string[] },
): readonly string[] {
  const used = audited
    .filter(({ user }) => isUser.test(user.username))
    .map(({ verb, objectRef: { resource, subresource, apiGroup = '', name } = {} }) => {
      const what = subresource === undefined ? resource : `${resource}/${subresource}`;
      const line = `${verb} ${apiGroup}/${what}`;
      return granted.includes(`${line} *`) ? `${line} *` : `${line} ${name}`;
    });
  return [...new Set(used)].sort();
}
