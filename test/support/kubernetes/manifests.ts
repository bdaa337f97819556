// Objects out of YAML onto a control plane, of whatever kind.

import { KubernetesObjectApi, loadYaml } from '@kubernetes/client-node';
import type { KubernetesObject } from '@kubernetes/client-node';
import { parseAllDocuments } from 'yaml';

import type { ControlPlane } from './plane/control-plane.ts';

/**
 * Creates all objects of a text with YAML documents, in their order.
 * @throws ApiException — one is refused
 */
export async function createFromYaml(plane: ControlPlane, text: string): Promise<void> {
  const api = KubernetesObjectApi.makeApiClient(plane.admin.config);
  for (const document of parseAllDocuments(text)) {
    // loadAllYaml fails on a document without anything in it (findings/kubernetes-client-empty-document.sh).
    if (document.toJS() === null) continue;
    // What another parser makes of it would lose its x-kubernetes-… on the way (findings/kubernetes-client-drops-cel.sh).
    await api.create(loadYaml<KubernetesObject>(String(document)));
  }
}
