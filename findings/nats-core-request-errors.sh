#!/usr/bin/env bash
# @nats-io/nats-core 3.4.0 (as @nats-io/transport-node brings it): each request that is answered makes an error, with its stack trace, that nobody
# ever sees; `noAsyncTraces: true` spares one of two, not this one.
#
# Guess: with noAsyncTraces, of which the docs say that it makes requests and JetStream's publish much cheaper, no error is made unless a request fails.
# Seen (Node 24, nats-server 2.15.2): 1,000 answered requests make 1,000 `RequestError` with it, and 2,000 without; none of them fails.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent @nats-io/transport-node@3.4.0
GOBIN="$folder" GOFLAGS=-trimpath go install github.com/nats-io/nats-server/v2@v2.15.2
port=$((20000 + RANDOM % 20000))
./nats-server -a 127.0.0.1 -p "$port" >server.log 2>&1 &
server=$!
cat > run.cjs <<'JS'
const { join, dirname } = require('node:path');
const { connect } = require('@nats-io/transport-node');

// The class by which the client makes them, replaced by one that counts.
const lib = dirname(require.resolve('@nats-io/nats-core'));
const exported = require(join(lib, 'errors.js'));
const Made = exported.RequestError;
let count = 0;
class Counted extends Made {
  constructor(...given) {
    super(...given);
    count += 1;
  }
}
exported.RequestError = Counted;
exported.errors.RequestError = Counted;

(async () => {
  for (const noAsyncTraces of [false, true]) {
    const connection = await connect({ servers: `127.0.0.1:${process.argv[2]}`, noAsyncTraces });
    connection.subscribe('echo', { callback: (_, message) => message.respond(message.data) });
    count = 0;
    let answers = 0;
    for (let i = 0; i < 1000; i += 1) {
      await connection.request('echo', 'x');
      answers += 1;
    }
    console.log(`noAsyncTraces ${noAsyncTraces}: ${answers} answers, ${count} errors made`);
    await connection.close();
  }
})();
JS
for _ in $(seq 50); do grep -q 'Server is ready' server.log && break; sleep 0.2; done
node run.cjs "$port" > seen.txt
cat seen.txt
diff seen.txt - <<'SEEN'
noAsyncTraces false: 1000 answers, 2000 errors made
noAsyncTraces true: 1000 answers, 1000 errors made
SEEN
echo 'as it was'
