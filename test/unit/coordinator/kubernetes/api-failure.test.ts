import { describe, expect, it } from 'vitest';

import {
  apiFailure,
  isConflict,
  isNotFound,
} from '../../../../coordinator/kubernetes/api/api-failure.ts';
import type { AskedCall } from '../../../../coordinator/kubernetes/api/api-failure.ts';

const CALL: AskedCall = {
  ...{ verb: 'update', resource: 'leases', group: 'coordination.k8s.io', namespace: 'farm' },
  ...{ name: 'bivdiff-coordinator', grantedBy: 'rbac.create' },
  ...{ server: 'https://10.0.0.1', timeoutMs: 5_000 },
};

function answer(code: number, body: unknown): Error {
  return Object.assign(new Error(`HTTP-Code: ${code}`), { code, body });
}

describe('an answer that is no success', () => {
  it('of RBAC says which verb of what where is missing, and which value of the chart grants it', () => {
    const message = 'leases.coordination.k8s.io "bivdiff-coordinator" is forbidden: User "x"';
    const error = apiFailure(answer(403, { kind: 'Status', message }), CALL);
    expect(error.code).toBe('permission-denied');
    expect(error.message).toContain(
      `update leases.coordination.k8s.io bivdiff-coordinator in namespace farm: ${message} (403)`,
    );
    for (const part of ['namespace farm', 'the verb update on leases', 'rbac.create'])
      expect(error.hint).toContain(part);
  });

  it('may be text, JSON as text, or nothing', () => {
    expect(apiFailure(answer(500, 'oh'), CALL).message).toContain(': oh (500)');
    expect(apiFailure(answer(500, '{"message":"etcd is away"}'), CALL).message).toContain(
      'etcd is',
    );
    expect(apiFailure(answer(500, undefined), CALL).message).toContain('no more is said');
    expect(apiFailure(answer(500, '{"message":7}'), CALL).message).toContain('no more is said');
  });

  it('is told by its status', () => {
    const codes = { 400: 'failed-precondition', 401: 'unauthenticated', 404: 'not-found' } as const;
    for (const [status, code] of Object.entries(codes))
      expect(apiFailure(answer(Number(status), ''), CALL).code).toBe(code);
    for (const status of [429, 500, 503, 504])
      expect(apiFailure(answer(status, ''), CALL).code).toBe('unavailable');
    expect(isConflict(apiFailure(answer(409, ''), CALL))).toBe(true);
    expect(isNotFound(apiFailure(answer(404, ''), CALL))).toBe(true);
    expect(isConflict(apiFailure(answer(404, ''), CALL))).toBe(false);
  });

  it('that never came says how long was waited and where', () => {
    const timeout = new DOMException('The operation was aborted due to timeout', 'TimeoutError');
    const error = apiFailure(timeout, CALL);
    expect(error.code).toBe('unavailable');
    expect(error.message).toContain('no answer within 5 s (https://10.0.0.1)');
    const refused = new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') });
    expect(apiFailure(refused, CALL).message).toContain('connect ECONNREFUSED');
  });
});
