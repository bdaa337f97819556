#!/usr/bin/env bash
# helm 4.3.1: a whole number of seven digits or more from values.yaml reaches a container as `1e+07`; the same by --set as `10000000`.
#
# Guess: an integer in values.yaml is an integer in the template; a schema that says `type: integer` holds for it.
# Seen (Go 1.26): numbers of a values file are float64. `{{ .Values.bytes | quote }}`, the usual way into an environment variable or an argument, gives
# "1e+07", and 1234567 becomes "1.234567e+06"; the schema is content, `helm lint` too, and a program that reads whole digits fails or takes 1.
# By --set it is int64 and comes out right, so that a test with --set does not show it. `| int64 | quote` and `toJson` are right for both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/chart/templates" "$folder/bin"
GOBIN="$folder/bin" CGO_ENABLED=0 go install -trimpath helm.sh/helm/v4/cmd/helm@v4.3.1
cd "$folder/chart"
printf 'apiVersion: v2\nname: numbers\nversion: 0.1.0\n' > Chart.yaml
printf 'bytes: 10000000\n' > values.yaml
echo '{"type":"object","properties":{"bytes":{"type":"integer"}}}' > values.schema.json
cat > templates/map.yaml <<'YAML'
plain: {{ .Values.bytes | quote }}
int64: {{ .Values.bytes | int64 | quote }}
json: {{ .Values.bytes | toJson | quote }}
YAML
seen() {
  echo "$1:"
  "$folder/bin/helm" template numbers . "${@:2}" | grep -v '^---\|^#'
}
"$folder/bin/helm" lint . > /dev/null
{ seen file; seen set --set bytes=10000000; } > "$folder/seen.txt"
cat "$folder/seen.txt"
diff "$folder/seen.txt" - <<'SEEN'
file:
plain: "1e+07"
int64: "10000000"
json: "10000000"
set:
plain: "10000000"
int64: "10000000"
json: "10000000"
SEEN
echo 'as it was'
