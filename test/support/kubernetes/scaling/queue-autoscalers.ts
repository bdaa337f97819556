// What people have: a HorizontalPodAutoscaler for each pool, by the length of its queue. The controller is Kubernetes' own; its metric comes over the
// external metrics API, as an adapter would serve it.

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';

import { ApiregistrationV1Api, AutoscalingV2Api, CoreV1Api } from '@kubernetes/client-node';

import { makeCertificates } from '../../network/certificates.ts';
import type { ControlPlane } from '../plane/control-plane.ts';
import { until } from '../until.ts';

const GROUP = 'external.metrics.k8s.io';
const VERSION = 'v1beta1';
const METRIC = 'queue_length';

export interface QueueAutoscalersOptions {
  readonly plane: ControlPlane;
  readonly namespace: string;
  /** Names of Deployments. */
  readonly pools: readonly string[];
  readonly max: number;
  readonly stabilizationSeconds: number;
  /** A worker is wanted for each task in it. */
  readonly queueLength: (pool: string) => Promise<number>;
}

/** Until it is disposed of. */
export async function startQueueAutoscalers(
  options: QueueAutoscalersOptions,
): Promise<AsyncDisposable> {
  const { plane, namespace, pools } = options;
  const server = await serveMetric(options.queueLength);
  const { port } = server;
  const service = 'metrics-adapter';
  await plane.api(CoreV1Api).createNamespacedService({
    namespace,
    body: {
      metadata: { name: service },
      spec: { type: 'ExternalName', externalName: 'localhost', ports: [{ port }] },
    },
  });
  const name = `${VERSION}.${GROUP}`;
  const registration = plane.api(ApiregistrationV1Api);
  await registration.createAPIService({
    body: {
      metadata: { name },
      spec: {
        ...{ group: GROUP, version: VERSION, groupPriorityMinimum: 100, versionPriority: 100 },
        ...{ insecureSkipTLSVerify: true, service: { name: service, namespace, port } },
      },
    },
  });
  await until('the metrics API is available', async () => {
    const { status } = await registration.readAPIService({ name });
    return status?.conditions?.some(
      ({ type, status: is }) => type === 'Available' && is === 'True',
    );
  });
  const autoscaling = plane.api(AutoscalingV2Api);
  for (const pool of pools) {
    const body = autoscalerOf(pool, options);
    await autoscaling.createNamespacedHorizontalPodAutoscaler({ namespace, body });
  }
  return {
    [Symbol.asyncDispose]: async () => {
      await autoscaling.deleteCollectionNamespacedHorizontalPodAutoscaler({ namespace });
      await registration.deleteAPIService({ name });
      await server.close();
    },
  };
}

function autoscalerOf(pool: string, { max, stabilizationSeconds }: QueueAutoscalersOptions) {
  const metric = { name: METRIC, selector: { matchLabels: { pool } } };
  const target = { type: 'AverageValue', averageValue: '1' };
  return {
    metadata: { name: pool },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: pool },
      ...{ minReplicas: 1, maxReplicas: max },
      metrics: [{ type: 'External', external: { metric, target } }],
      behavior: { scaleDown: { stabilizationWindowSeconds: stabilizationSeconds } },
    },
  };
}

async function serveMetric(queueLength: QueueAutoscalersOptions['queueLength']) {
  const certificates = await makeCertificates();
  const [cert, key] = await Promise.all([
    readFile(certificates.server.cert),
    readFile(certificates.server.key),
  ]);
  const answer = async (url: URL): Promise<object | undefined> => {
    const metadata = { apiVersion: `${GROUP}/${VERSION}`, metadata: {} };
    if (url.pathname === `/apis/${GROUP}/${VERSION}`) {
      const resource = { name: METRIC, singularName: '', namespaced: true, verbs: ['get'] };
      const resources = [{ ...resource, kind: 'ExternalMetricValueList' }];
      return {
        kind: 'APIResourceList',
        apiVersion: 'v1',
        groupVersion: `${GROUP}/${VERSION}`,
        resources,
      };
    }
    if (!url.pathname.endsWith(`/${METRIC}`)) return undefined;
    const pool = /pool=(\w+)/.exec(url.searchParams.get('labelSelector') ?? '')?.[1] ?? '';
    const value = String(await queueLength(pool));
    const timestamp = new Date().toISOString();
    const items = [{ metricName: METRIC, metricLabels: { pool }, timestamp, value }];
    return { kind: 'ExternalMetricValueList', ...metadata, items };
  };
  const server = createServer({ cert, key }, (from, to) => {
    answer(new URL(from.url ?? '', 'https://adapter.invalid')).then(
      (body) => {
        to.writeHead(body === undefined ? 404 : 200, { 'content-type': 'application/json' });
        to.end(JSON.stringify(body ?? { kind: 'Status', apiVersion: 'v1', code: 404 }));
      },
      () => to.destroy(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await certificates.remove();
    },
  };
}
