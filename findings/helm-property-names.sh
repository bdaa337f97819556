#!/usr/bin/env bash
# helm 4.3.1: a key that `propertyNames` of values.schema.json refuses is reported under a sibling, another one each run.
#
# Guess: the error names the place of the object whose key is wrong, as it does for every other keyword.
# Seen (Go 1.26): with pools.My_Pool against `propertyNames` of `pools`, the same command says `at '/pools': invalid propertyName 'My_Pool'` in one run and
# `at '/alpha'`, `at '/beta'` or `at '/gamma'` in the next, objects beside it that are empty and right. Where the object has no sibling (a level below) the
# place is right. So a chart does better to check names in a template, and a test must not hold the place.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/chart/templates" "$folder/bin"
GOBIN="$folder/bin" CGO_ENABLED=0 go install -trimpath helm.sh/helm/v4/cmd/helm@v4.3.1
cd "$folder/chart"
printf 'apiVersion: v2\nname: names\nversion: 0.1.0\n' > Chart.yaml
printf 'alpha: {}\nbeta: {}\ngamma: {}\npools: {}\n' > values.yaml
printf 'pools: {{ .Values.pools | toJson }}\n' > templates/map.yaml
places() {
  for _ in $(seq 40); do
    { "$folder/bin/helm" template names . --set "$1" 2>&1 || true; } | sed -n "s/.*at '\(.*\)': invalid propertyName.*/\1/p"
  done | sort -u | tr '\n' ' '
}
names='{"type":"object","propertyNames":{"pattern":"^[a-z]+$"}}'
echo "{\"properties\":{\"alpha\":{},\"beta\":{},\"gamma\":{},\"pools\":$names}}" > values.schema.json
beside=$(places pools.My_Pool=1)
echo "beside others: $beside"
echo "{\"properties\":{\"pools\":{\"properties\":{\"one\":$names}}}}" > values.schema.json
alone=$(places pools.one.My_Key=1)
echo "alone: $alone"
[ "$beside" = '/alpha /beta /gamma /pools ' ]
[ "$alone" = '/pools/one ' ]
echo 'as it was'
