#!/usr/bin/env bash
# @kubernetes/client-node 2.0.1: a CRD that was read by any YAML parser but its own loses its CEL rules on the way to the server.
#
# Guess: what is given to create() is what is sent, or is refused.
# Seen (Node 24): the client sends only keys that it knows, by its own names (`x_kubernetes_validations`). Of a CRD from `yaml`, `js-yaml` or
# JSON.parse, `x-kubernetes-validations` and `x-kubernetes-preserve-unknown-fields` are left out without a word, by ApiextensionsV1Api and by
# KubernetesObjectApi: the server takes the CRD, and any object after it; fieldValidation=Strict sees nothing wrong. The client's loadYaml()
# renames them, and they arrive. The same befalls every key that is misspelt or newer than the client.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent @kubernetes/client-node@2.0.1 yaml@2.9.1
cat > run.mjs <<'JS'
import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { ApiextensionsV1Api, KubeConfig, loadYaml } from '@kubernetes/client-node';
import { parse } from 'yaml';

const CRD = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: clips.example.com }
spec:
  group: example.com
  scope: Namespaced
  names: { plural: clips, singular: clip, kind: Clip }
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties: { frames: { type: integer } }
          x-kubernetes-validations: [{ rule: 'self.frames > 0' }]
`;
let sent;
const server = createServer(async (request, response) => {
  sent = await text(request);
  response.setHeader('content-type', 'application/json').end(sent);
}).listen(0, '127.0.0.1');
await once(server, 'listening');
const config = new KubeConfig();
config.loadFromClusterAndUser(
  { name: 'c', server: `http://127.0.0.1:${server.address().port}`, skipTLSVerify: true },
  { name: 'u' },
);
const api = config.makeApiClient(ApiextensionsV1Api);
for (const [name, read] of [['yaml', parse], ['loadYaml', loadYaml]]) {
  await api.createCustomResourceDefinition({ body: read(CRD), fieldValidation: 'Strict' });
  const { openAPIV3Schema } = JSON.parse(sent).spec.versions[0].schema;
  console.log(`${name}: ${Object.keys(openAPIV3Schema).sort().join(' ')}`);
}
server.close();
server.closeAllConnections();
JS
node run.mjs > seen.txt
cat seen.txt
diff seen.txt - <<'SEEN'
yaml: properties type
loadYaml: properties type x-kubernetes-validations
SEEN
echo 'as it was'
