# `helm test`: renders a tiny clip on the farm and looks at what comes back. Its arguments go to `bivdiff submit`.
set -eu
tries=0
until bivdiff list ${INSECURE:-} >/dev/null; do
  tries=$((tries + 1))
  if [ "$tries" -ge 60 ]; then
    echo 'No coordinator leads: kubectl get pods -l app.kubernetes.io/component=coordinator' >&2
    exit 1
  fi
  sleep 5
done
# Until a worker that draws frames has been there, no job is taken: of which numerics class would it be? The pod's deadline bounds the wait.
until bivdiff submit ${INSECURE:-} --task frames --input /test/clip.gif --prompt 'a red circle moving right' "$@" --json >/tmp/job.json; do
  code=$?
  grep -q '"code": *"unavailable"' /tmp/job.json || exit "$code"
  sleep 5
done
job=$(sed -n 's/^ *"job": *"\([0-9a-f]*\)".*/\1/p' /tmp/job.json)
echo "job $job; while no worker serves it, it waits:"
bivdiff watch "$job" ${INSECURE:-}
bivdiff fetch "$job" ${INSECURE:-} --output /tmp/clip.mp4
bivdiff probe /tmp/clip.mp4
echo 'The farm renders.'
