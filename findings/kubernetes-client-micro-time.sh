#!/usr/bin/env bash
# @kubernetes/client-node 2.0.1: times of a Lease are typed as Date, and are strings when they are read.
#
# Guess: `lease.spec.renewTime` is what its type says, a V1MicroTime, which extends Date; and a Date, which TypeScript takes in its place (the two
# have the same members), can be written.
# Seen (Node 24): it is a string, so `renewTime.getTime()` compiles and is a TypeError when it runs; `metadata.creationTimestamp` beside it is a Date. A
# plain Date is sent with three decimals, which a real API server (1.37.2) refuses with 400, `cannot parse ".123Z" as ".000000"`. What was read
# and is written back stays as it was; a new time must be a `new V1MicroTime()`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent @kubernetes/client-node@2.0.1
cat > run.mjs <<'JS'
import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { CoordinationV1Api, KubeConfig, V1MicroTime } from '@kubernetes/client-node';

const LEASE = {
  metadata: { name: 'leader', creationTimestamp: '2026-01-02T03:04:05Z' },
  spec: { renewTime: '2026-01-02T03:04:05.123456Z' },
};
let sent;
const server = createServer(async (request, response) => {
  sent = await text(request);
  response.setHeader('content-type', 'application/json').end(JSON.stringify(LEASE));
}).listen(0, '127.0.0.1');
await once(server, 'listening');
const config = new KubeConfig();
config.loadFromClusterAndUser(
  { name: 'c', server: `http://127.0.0.1:${server.address().port}`, skipTLSVerify: true },
  { name: 'u' },
);
const leases = config.makeApiClient(CoordinationV1Api);
const at = { namespace: 'default', name: 'leader' };
const { metadata, spec } = await leases.readNamespacedLease(at);
console.log(`read: ${typeof spec.renewTime}, beside it ${metadata.creationTimestamp.constructor.name}`);
const MS = Date.UTC(2026, 0, 2, 3, 4, 5, 123);
for (const renewTime of [new Date(MS), new V1MicroTime(MS)]) {
  await leases.replaceNamespacedLease({ ...at, body: { spec: { renewTime } } });
  console.log(`${renewTime.constructor.name}: ${JSON.parse(sent).spec.renewTime}`);
}
server.close();
server.closeAllConnections();
JS
node run.mjs > seen.txt
cat seen.txt
diff seen.txt - <<'SEEN'
read: string, beside it Date
Date: 2026-01-02T03:04:05.123Z
V1MicroTime: 2026-01-02T03:04:05.123000Z
SEEN
echo 'as it was'
