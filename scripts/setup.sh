#!/bin/sh
# Brings everything a checkout needs: Node 24 (into .tools/, unless the system's own is new enough) and
# the npm packages. Safe to run again: it returns at once when nothing has changed. Needs any Node >= 20
# with npm. Called by scripts/with-node.sh before every command.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
NODE_MAJOR=24

say() { printf '%s\n' "setup: $*" >&2; }

fail() {
  say "$*"
  exit 1
}

command -v node >/dev/null 2>&1 || fail "no 'node' on PATH. Install Node.js 20 or newer with npm, then run this again."
command -v npm >/dev/null 2>&1 || fail "no 'npm' on PATH. Install npm (Debian: apt-get install npm), then run this again."

# npm skips optional native packages whose engines ask for a newer Node than the one that runs it, so
# Node 24 comes first and npm runs on it.
node_dir="$root/.tools/node_modules/node/bin"
if [ ! -x "$node_dir/node" ]; then
  major=$(node -p 'process.versions.node.split(".")[0]')
  if [ "$major" -lt "$NODE_MAJOR" ]; then
    say "getting Node $NODE_MAJOR (this machine has $(node --version))"
    mkdir -p "$root/.tools"
    printf '{"private":true}\n' >"$root/.tools/package.json"
    # The node package gets its program by its install step, which `npm run` tells npms below it to leave out.
    (cd "$root/.tools" &&
      npm install --ignore-scripts=false --no-audit --no-fund --loglevel=error "node@$NODE_MAJOR" &&
      [ -x "$node_dir/node" ]) >&2 ||
      fail "npm could not install node@$NODE_MAJOR. Is the npm registry reachable?"
  fi
fi
[ -x "$node_dir/node" ] && PATH="$node_dir:$PATH" && export PATH

# The lock file is copied beside the packages after an install: equal copies mean nothing to do.
stamp="$root/node_modules/.installed-lock.json"
if ! cmp -s "$root/package-lock.json" "$stamp"; then
  say "installing npm packages"
  # Not `npm ci`: it insists on every platform's optional packages, and registries serve only some of them.
  # With --no-save the lock file decides the versions and stays as it is.
  npm --prefix "$root" install --no-save --no-audit --no-fund --loglevel=error >&2 ||
    fail "npm install failed in $root (see the lines above)"
  cp "$root/package-lock.json" "$stamp"
  # What Node compiled of packages that are no more (scripts/with-node.sh).
  rm -rf "$root/.tools/compile-cache"
fi
