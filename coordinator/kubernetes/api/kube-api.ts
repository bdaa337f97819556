// The way to a cluster's API server: that of the pod that this runs in, or of a kubeconfig. The client takes a second and 65 MB to load, so
// it is loaded by whoever opens this, and by nobody else.

import type {
  CoordinationV1Api,
  CoreV1Api,
  KubeConfig,
  RequestContext,
  ResponseContext,
} from '@kubernetes/client-node';

import { BivdiffError } from '../../../common/errors.ts';
import { apiFailure } from './api-failure.ts';
import type { ApiCall } from './api-failure.ts';

/** What the client takes with each request. */
export type CallOptions = NonNullable<Parameters<CoreV1Api['readNamespacedPod']>[1]>;

export interface KubeApi {
  readonly config: KubeConfig;
  readonly coordination: CoordinationV1Api;
  readonly core: CoreV1Api;
  /**
   * Asks something of the server, within that time. `call` says what, for errors. A patch is a merge patch. @throws as `apiFailure`: what it answers, that it does not
   */
  ask<T>(call: ApiCall, timeoutMs: number, work: (options: CallOptions) => Promise<T>): Promise<T>;
}

const MERGE_PATCH = 'application/merge-patch+json';
/** What the client takes where it finds neither a pod's account nor a kubeconfig. */
const NOWHERE = 'http://localhost:8080';

/** Connects to nothing yet. @throws failed-precondition — there is no cluster that it could mean */
export async function openKubeApi(): Promise<KubeApi> {
  const client = await import('@kubernetes/client-node');
  const config = new client.KubeConfig();
  try {
    config.loadFromDefault();
  } catch (reason) {
    const error = BivdiffError.from(reason, '--kubernetes: reading the kubeconfig');
    throw new BivdiffError('failed-precondition', error.message, { hint: WHERE, cause: reason });
  }
  const server = config.getCurrentCluster()?.server;
  if (server === undefined || server === NOWHERE) {
    const message = '--kubernetes: this is no pod of a cluster, and no kubeconfig names one';
    throw new BivdiffError('failed-precondition', message, { hint: WHERE });
  }
  return {
    config,
    coordination: config.makeApiClient(client.CoordinationV1Api),
    core: config.makeApiClient(client.CoreV1Api),
    ask: async (call, timeoutMs, work) => {
      const signal = AbortSignal.timeout(Math.max(1, Math.ceil(timeoutMs)));
      const bound = {
        pre: (context: RequestContext) => {
          context.setSignal(signal);
          if (call.verb === 'patch') context.setHeaderParam('Content-Type', MERGE_PATCH);
          return new client.Observable(Promise.resolve(context));
        },
        post: (context: ResponseContext) => new client.Observable(Promise.resolve(context)),
      };
      try {
        return await work({ middleware: [bound], middlewareMergeStrategy: 'append' });
      } catch (reason) {
        throw apiFailure(reason, { ...call, server, timeoutMs });
      }
    },
  };
}

const WHERE =
  "In a pod it is the pod's service account, which needs automountServiceAccountToken; elsewhere set KUBECONFIG to a file with a current context.";
