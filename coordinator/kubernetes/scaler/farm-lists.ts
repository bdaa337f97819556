// Deployments and pods of a farm as the API server lists them, whole lists every time. No watch: one that breaks without a word would leave
// us with what was, and a list of some hundred pods is cheap.

import type { V1Deployment, V1ListMeta, V1Pod } from '@kubernetes/client-node';

import { CompleteList } from '../../scaling/complete-list.ts';
import type { ListPage } from '../../scaling/complete-list.ts';
import { FarmView } from '../../scaling/farm-view.ts';
import type { ApiCall } from '../api/api-failure.ts';
import type { CallOptions } from '../api/kube-api.ts';
import { ListVersions } from '../api/list-versions.ts';
import { deploymentFacts, podFacts } from './object-facts.ts';
import type { ScalerApi } from './scaler-api.ts';

const PAGE_ITEMS = 250;

export interface FarmListsOptions {
  readonly api: ScalerApi;
  readonly namespace: string;
  /** Names of the pools' Deployments. */
  readonly deployments: readonly string[];
  readonly timeoutMs: number;
  readonly nowMs: () => number;
}

export class FarmLists {
  readonly #options: FarmListsOptions;
  readonly #versions = new ListVersions();

  constructor(options: FarmListsOptions) {
    this.#options = options;
  }

  /** @throws data-loss — a list is not whole, or older than one before; as `KubeApi.ask` */
  async view(): Promise<FarmView> {
    const { api, namespace, deployments: names } = this.#options;
    // Pods first: what the Deployments count is then no older.
    const pods = await this.#list('pods', '', (page) => api.core.listNamespacedPod(...page));
    const found = await this.#list('deployments', 'apps', (page) =>
      api.apps.listNamespacedDeployment(...page),
    );
    const ofPools = found.map((one: V1Deployment) => deploymentFacts(one, namespace));
    const selectors = found.items
      .filter(({ metadata }) => names.includes(metadata?.name ?? ''))
      .map((one) => ({ name: one.metadata!.name!, labels: one.spec?.selector.matchLabels ?? {} }));
    const ownerOf = (pod: V1Pod): string => {
      const labels = pod.metadata?.labels ?? {};
      const owner = selectors.find((selector) =>
        Object.entries(selector.labels).every(([key, value]) => labels[key] === value),
      );
      return owner?.name ?? '';
    };
    return new FarmView({
      pods: pods.map((pod: V1Pod) => podFacts(pod, ownerOf(pod))),
      deployments: ofPools,
    });
  }

  async #list<T>(
    resource: string,
    group: string,
    ask: (page: Page) => Promise<{ readonly metadata?: V1ListMeta; readonly items: T[] }>,
  ): Promise<CompleteList<T>> {
    const { api, namespace, timeoutMs, nowMs } = this.#options;
    const call: ApiCall = {
      ...{ verb: 'list', resource, group, namespace },
      grantedBy: 'rbac.create and autoscaling.by: scaler',
    };
    const list = await CompleteList.collect<T>(resource, nowMs, (next) =>
      api.ask(call, timeoutMs, async (options): Promise<ListPage<T>> => {
        const from = next === undefined ? {} : { _continue: next };
        const answer = await ask([{ namespace, limit: PAGE_ITEMS, ...from }, options]);
        return {
          resourceVersion: answer.metadata?.resourceVersion,
          next: answer.metadata?._continue,
          remaining: answer.metadata?.remainingItemCount,
          items: answer.items,
        };
      }),
    );
    this.#versions.checkNewer(resource, list.resourceVersion);
    return list;
  }
}

type Page = [{ namespace: string; limit: number; _continue?: string }, CallOptions];
