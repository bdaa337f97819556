// What the scaler needs of the API server besides what all have.

import type { AppsV1Api } from '@kubernetes/client-node';

import type { KubeApi } from '../api/kube-api.ts';

export interface ScalerApi extends Pick<KubeApi, 'core' | 'ask'> {
  readonly apps: AppsV1Api;
}

/** Loads the client. */
export async function scalerApiOf(api: KubeApi): Promise<ScalerApi> {
  const { AppsV1Api: Apps } = await import('@kubernetes/client-node');
  return { ...api, apps: api.config.makeApiClient(Apps) };
}
