#!/bin/sh
# Gets what the peers of the cluster bench need (bench/cluster/peers): BullMQ from npm, into a node_modules of its own there, and Ray from PyPI,
# into the Python named by BIVDIFF_PYTHON (else python3). Says what to install by hand. Nothing else in the project needs any of it.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
peers="$root/bench/cluster/peers"
sh "$root/scripts/setup.sh"
node_dir="$root/.tools/node_modules/node/bin"
[ -x "$node_dir/node" ] && PATH="$node_dir:$PATH" && export PATH

missing=0
say() {
  printf '%s\n' "get-peers: $*" >&2
  missing=1
}

npm --prefix "$peers" install --no-save --no-audit --no-fund --loglevel=error >&2 ||
  say "npm could not install BullMQ. Is the npm registry reachable?"
command -v redis-server >/dev/null 2>&1 ||
  say "no 'redis-server' on PATH: BullMQ needs one (Debian: apt-get install redis-server; 7.0 or newer)."
python=${BIVDIFF_PYTHON:-python3}
"$python" -c 'import ray' 2>/dev/null || "$python" -m pip install --quiet -r "$peers/requirements.txt" >&2 ||
  say "$python could not install Ray. Make a virtual environment (python3 -m venv DIR), then BIVDIFF_PYTHON=DIR/bin/python $0"
exit "$missing"
