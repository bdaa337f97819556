#!/usr/bin/env bash
# @kubernetes/client-node 2.0.1: an informer whose watch breaks never asks again, and goes on answering from what it knew.
#
# Guess: as informers of client-go, it lists and watches again, sooner or later; that is what an informer is for.
# Seen (Node 24): after a watch that ends in order it watches again by itself. After one that breaks (the connection is reset) it tells its `error` handler
# once, and makes no request any more; list() gives the old objects for ever. Its stop() tells the same handler too, so that one that starts it
# again on every error cannot be stopped.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent @kubernetes/client-node@2.0.1
cat > run.mjs <<'JS'
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { CoreV1Api, KubeConfig, makeInformer } from '@kubernetes/client-node';

const POD = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', namespace: 'n', resourceVersion: '1' } };
const LIST = { apiVersion: 'v1', kind: 'PodList', metadata: { resourceVersion: '1' }, items: [POD] };
const WAIT_MS = 15_000;

async function seen(name, endWatch) {
  let [lists, watches, errors] = [0, 0, 0];
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    if (!new URL(request.url, 'http://x').searchParams.has('watch')) {
      lists += 1;
      response.end(JSON.stringify(LIST));
      return;
    }
    watches += 1;
    response.write(`${JSON.stringify({ type: 'MODIFIED', object: POD })}\n`);
    if (watches === 1) setTimeout(() => endWatch(response), 100);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const config = new KubeConfig();
  config.loadFromClusterAndUser(
    { name: 'c', server: `http://127.0.0.1:${server.address().port}`, skipTLSVerify: true },
    { name: 'u' },
  );
  const core = config.makeApiClient(CoreV1Api);
  const informer = makeInformer(config, '/api/v1/namespaces/n/pods', () =>
    core.listNamespacedPod({ namespace: 'n' }),
  );
  informer.on('error', () => (errors += 1));
  await informer.start();
  await delay(WAIT_MS);
  console.log(`${name}: ${watches > 1 ? 'watches again' : 'one watch'}, ${errors} errors, knows ${informer.list().length}`);
  const before = errors;
  await informer.stop();
  await delay(200);
  console.log(`${name}, stopped: ${errors - before} errors`);
  server.close();
  server.closeAllConnections();
}
await seen('ends', (response) => response.end());
await seen('breaks', (response) => response.destroy());
process.exit(0);
JS
node run.mjs > seen.txt
cat seen.txt
diff seen.txt - <<'SEEN'
ends: watches again, 0 errors, knows 1
ends, stopped: 1 errors
breaks: one watch, 1 errors, knows 1
breaks, stopped: 0 errors
SEEN
echo 'as it was'
