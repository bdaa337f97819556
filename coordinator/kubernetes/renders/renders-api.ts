// What is asked of the API server about Renders. Each change is of the object that was listed, not of one that has got its name.

import type * as Client from '@kubernetes/client-node';
import type { CustomObjectsApi, RequestContext, ResponseContext } from '@kubernetes/client-node';

import { CompleteList } from '../../scaling/complete-list.ts';
import type { ListPage } from '../../scaling/complete-list.ts';
import type { ApiCall } from '../api/api-failure.ts';
import type { CallOptions, KubeApi } from '../api/kube-api.ts';
import { ListVersions } from '../api/list-versions.ts';
import type { PublishedSchemas } from './check-definition.ts';
import { FINALIZER, GROUP, PLURAL, VERSION } from './resource.ts';
import type { Render, RenderStatus } from './resource.ts';

const PAGE_ITEMS = 250;
const CALL_MS = 5_000;
/** Who has changed a field, as the server notes it. */
const FIELD_MANAGER = 'bivdiff-renders';

type Ask<T> = (options: CallOptions) => Promise<T>;

export class RendersApi {
  readonly #api: KubeApi;
  readonly #custom: CustomObjectsApi;
  readonly #client: typeof Client;
  readonly #place: { group: string; version: string; namespace: string; plural: string };
  readonly #nowMs: () => number;
  readonly #versions = new ListVersions();

  private constructor(
    api: KubeApi,
    client: typeof Client,
    { namespace, nowMs }: { readonly namespace: string; readonly nowMs: () => number },
  ) {
    this.#api = api;
    this.#client = client;
    this.#custom = api.config.makeApiClient(client.CustomObjectsApi);
    this.#place = { group: GROUP, version: VERSION, namespace, plural: PLURAL };
    this.#nowMs = nowMs;
  }

  /** `nowMs`: monotonic. */
  static async open(
    api: KubeApi,
    place: { readonly namespace: string; readonly nowMs: () => number },
  ): Promise<RendersApi> {
    return new RendersApi(api, await import('@kubernetes/client-node'), place);
  }

  /**
   * What the server says of our kind: who may call it may ask this, so no right to read definitions is needed.
   * @throws not-found — it knows nothing of the group; as `KubeApi.ask`
   */
  async published(): Promise<PublishedSchemas> {
    const { Observable } = this.#client;
    const path = `/openapi/v3/apis/${GROUP}/${VERSION}`;
    const elsewhere = {
      pre: (context: RequestContext) => {
        const url = new URL(context.getUrl());
        context.setUrl(new URL(path, url).href);
        return new Observable(Promise.resolve(context));
      },
      post: (context: ResponseContext) => new Observable(Promise.resolve(context)),
    };
    const call: ApiCall = { ...this.#call('get'), resource: path, group: '' };
    // The client has no call of its own for it; this one's answer is taken as it comes.
    const work: Ask<PublishedSchemas> = async (options) => {
      const middleware = [...(options.middleware ?? []), elsewhere];
      return (await this.#custom.listNamespacedCustomObject(this.#place, {
        ...options,
        middleware,
      })) as PublishedSchemas;
    };
    return this.#api.ask(call, CALL_MS, work);
  }

  /** @throws data-loss — the list is not whole, or older than one before; as `KubeApi.ask` */
  async list(): Promise<CompleteList<unknown>> {
    const list = await CompleteList.collect<unknown>(PLURAL, this.#nowMs, (next) =>
      this.#api.ask(this.#call('list'), CALL_MS, async (options): Promise<ListPage<unknown>> => {
        const from = next === undefined ? {} : { _continue: next };
        const request = { ...this.#place, limit: PAGE_ITEMS, ...from };
        const answer = (await this.#custom.listNamespacedCustomObject(request, options)) as Listed;
        return {
          resourceVersion: answer.metadata?.resourceVersion,
          next: answer.metadata?.continue,
          remaining: answer.metadata?.remainingItemCount,
          items: answer.items,
        };
      }),
    );
    this.#versions.checkNewer(PLURAL, list.resourceVersion);
    return list;
  }

  /** From now on it stays until it is released. @throws aborted — it is another by now; as `KubeApi.ask` */
  async hold(render: Render): Promise<void> {
    await this.#setFinalizers(render, [...render.finalizers, FINALIZER]);
  }

  /** The same @throws */
  async release(render: Render): Promise<void> {
    await this.#setFinalizers(
      render,
      render.finalizers.filter((one) => one !== FINALIZER),
    );
  }

  /** Whole: what it has no more is taken away. The same @throws */
  async setStatus({ name, uid, status: before }: Render, after: RenderStatus): Promise<void> {
    const gone = Object.keys(before).filter((key) => !(key in after));
    const status = { ...Object.fromEntries(gone.map((key) => [key, null])), ...after };
    const body = { metadata: { uid }, status };
    const call = { ...this.#call('patch', name), resource: `${PLURAL}/status` };
    const request = { ...this.#place, name, body, fieldManager: FIELD_MANAGER };
    await this.#api.ask(call, CALL_MS, (options) =>
      this.#custom.patchNamespacedCustomObjectStatus(request, options),
    );
  }

  /** The same @throws */
  async remove({ name, uid, resourceVersion }: Render): Promise<void> {
    const body = { preconditions: { uid, resourceVersion } };
    await this.#api.ask(this.#call('delete', name), CALL_MS, (options) =>
      this.#custom.deleteNamespacedCustomObject({ ...this.#place, name, body }, options),
    );
  }

  async #setFinalizers(
    { name, uid, resourceVersion }: Render,
    finalizers: readonly string[],
  ): Promise<void> {
    // With the version: others' finalizers must not be lost.
    const body = { metadata: { uid, resourceVersion, finalizers } };
    const request = { ...this.#place, name, body, fieldManager: FIELD_MANAGER };
    await this.#api.ask(this.#call('patch', name), CALL_MS, (options) =>
      this.#custom.patchNamespacedCustomObject(request, options),
    );
  }

  #call(verb: ApiCall['verb'], name?: string): ApiCall {
    const { namespace } = this.#place;
    return {
      ...{ verb, resource: PLURAL, group: GROUP, namespace, name },
      grantedBy: 'rbac.create and renders.enabled',
    };
  }
}

interface Listed {
  readonly metadata?: {
    readonly resourceVersion?: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
  readonly items?: readonly unknown[];
}
