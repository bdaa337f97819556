{{/*
What the schema cannot say, because it joins several values, or says badly. All that is wrong comes in one error, each line with what to write
instead. Prints the problems as JSON.
*/}}
{{- define "bivdiff.problems" -}}
{{- $values := .Values -}}
{{- $problems := list -}}
{{- range $old, $new := include "bivdiff.renamed" . | fromYaml -}}
{{- $at := $values -}}
{{- range $part := splitList "." $old -}}
{{- if and (kindIs "map" $at) (hasKey $at $part) -}}{{- $at = get $at $part -}}{{- else -}}{{- $at = "" -}}{{- end -}}
{{- end -}}
{{- if not (or (kindIs "invalid" $at) (eq (toString $at) "")) -}}
{{- $problems = append $problems (printf "%s is called %s here" $old $new) -}}
{{- end -}}
{{- end -}}

{{- $pools := include "bivdiff.pools" . | fromJson -}}
{{- $scaledFor := dict -}}
{{- $served := list -}}
{{- range $name, $pool := $pools -}}
{{- $at := printf "pools.%s" $name -}}
{{- range $pool.serves -}}
{{- if not (has . (list "idm" "mixer" "vdm")) -}}
{{- $problems = append $problems (printf "%s: say with %s.serves whose tasks it runs: idm, mixer, vdm" $at $at) -}}
{{- end -}}
{{- $served = append $served . -}}
{{- end -}}
{{- if lt (int $pool.grace) (int $pool.graceLeast) -}}
{{- $problems = append $problems (printf "%s.terminationGracePeriodSeconds is %d, and a worker needs %d to end: drain.longestStepSeconds (%d) + drain.uploadSeconds (%d) + drain.marginSeconds (%d). Raise it, leave it out, or declare shorter ones" $at (int $pool.grace) (int $pool.graceLeast) (int $pool.drain.longestStepSeconds) (int $pool.drain.uploadSeconds) (int $pool.drain.marginSeconds)) -}}
{{- end -}}
{{- if and (eq $pool.device "cuda") (not $pool.isDra) (eq (int $pool.gpu.count) 0) -}}
{{- $problems = append $problems (printf "%s runs on cuda and asks for no GPU: set %s.gpu.count to 1, or name a DeviceClass in %s.dra.deviceClass, or set device to cpu, for all pools" $at $at $at) -}}
{{- end -}}
{{- if and (eq $pool.device "cpu") (or $pool.dra.deviceClass $pool.dra.claimTemplate) -}}
{{- $problems = append $problems (printf "%s runs on cpu and claims a device by %s.dra: set device to cuda, for all pools, or take the claim away" $at $at) -}}
{{- end -}}
{{- if and $pool.dra.claimTemplate (or $pool.dra.deviceClass $pool.dra.selectors $pool.dra.memory) -}}
{{- $problems = append $problems (printf "%s.dra: claimTemplate is a template of your own, and deviceClass, selectors and memory are for the chart's: give one or the other" $at) -}}
{{- end -}}
{{- if lt (int $pool.scaling.max) (int $pool.scaling.min) -}}
{{- if gt (int $pool.scaling.max) 0 -}}
{{- $problems = append $problems (printf "%s.scaling: min (%d) is more than max (%d)" $at (int $pool.scaling.min) (int $pool.scaling.max)) -}}
{{- end -}}
{{- end -}}
{{- $limits := $pool.resources.limits | default dict -}}
{{- $memoryOf := ternary "limits" "requests" (hasKey $limits "memory") -}}
{{- with (get $pool.resources $memoryOf | default dict).memory -}}
{{- $gib := include "bivdiff.gibOf" . -}}
{{- if not $gib -}}
{{- $problems = append $problems (printf "%s.resources.%s.memory is %s, and no quantity of memory: write such as 16Gi" $at $memoryOf (toJson .)) -}}
{{- else if and (eq $pool.device "cpu") $pool.memoryGib (gt (float64 ($pool.memoryGib | default 0)) (float64 $gib)) -}}
{{- $problems = append $problems (printf "%s.memoryGib (%v) is more than the memory of its container (%s): raise %s.resources.limits.memory" $at $pool.memoryGib (toString .) $at) -}}
{{- end -}}
{{- end -}}
{{- if and $pool.gpu.memoryGibMin $pool.memoryGib (eq $pool.device "cuda") -}}
{{- if gt (float64 $pool.memoryGib) (float64 $pool.gpu.memoryGibMin) -}}
{{- $problems = append $problems (printf "%s.memoryGib (%v) is more than %s.gpu.memoryGibMin (%v): a GPU that is let in may have less" $at $pool.memoryGib $at $pool.gpu.memoryGibMin) -}}
{{- end -}}
{{- end -}}
{{- if and $pool.isScaled (eq $values.autoscaling.by "scaler") -}}
{{- if ne (len $pool.serves) 1 -}}
{{- $problems = append $problems (printf "%s serves %s, and the scaler reckons one kind of task a pool: set %s.scaling.max to 0, which leaves it its replicas, or autoscaling.by to none" $at (join ", " $pool.serves) $at) -}}
{{- else if hasKey $scaledFor (first $pool.serves) -}}
{{- $problems = append $problems (printf "%s and pools.%s both serve %s, and the scaler scales one of them: set scaling.max of the other to 0" $at (get $scaledFor (first $pool.serves)) (first $pool.serves)) -}}
{{- else -}}
{{- $_ := set $scaledFor (first $pool.serves) $name -}}
{{- end -}}
{{- end -}}
{{- if and $pool.isScaled (eq $values.autoscaling.by "hpa") (eq (int $pool.scaling.min) 0) (semverCompare "<1.37.0-0" $.Capabilities.KubeVersion.Version) -}}
{{- $problems = append $problems (printf "%s.scaling.min is 0, and the HPA of Kubernetes %s scales to 1 at least: set it to 1, or autoscaling.by to scaler or keda" $at $.Capabilities.KubeVersion.Version) -}}
{{- end -}}
{{- end -}}
{{- $problems = concat $problems (include "bivdiff.problems.names" . | fromJson).problems (include "bivdiff.problems.class" . | fromJson).problems -}}
{{- if and $values.kueue.queue (ne $values.autoscaling.by "none") -}}
{{- $problems = append $problems (printf "kueue.queue is set and autoscaling.by is %s, which would take pods that wait in the queue for workers that start: set autoscaling.by to none, or empty the queue" $values.autoscaling.by) -}}
{{- end -}}
{{- range list "idm" "mixer" "vdm" -}}
{{- if not (has . $served) -}}
{{- $problems = append $problems (printf "no pool serves %s, and no job is complete without: add it to the serves of one" .) -}}
{{- end -}}
{{- end -}}

{{- if eq $values.store.kind "s3" -}}
{{- if not $values.store.s3.bucket -}}{{- $problems = append $problems "store.kind is s3 and store.s3.bucket is empty: name the bucket" -}}{{- end -}}
{{- else -}}
{{- if $values.store.s3.bucket -}}{{- $problems = append $problems "store.s3.bucket is set and store.kind is volume: set store.kind to s3, or empty the bucket" -}}{{- end -}}
{{- end -}}
{{- range $at, $volume := dict "models.volume" $values.models.volume "renders.sources.volume" $values.renders.sources.volume -}}
{{- range $kind, $_ := $volume -}}
{{- if not (has $kind (list "persistentVolumeClaim" "image" "csi" "ephemeral" "configMap" "projected")) -}}
{{- $problems = append $problems (printf "%s: a volume of kind %s is not let in by Pod Security restricted: use persistentVolumeClaim, image, csi or ephemeral" $at $kind) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and $values.renders.sources.volume (not $values.renders.enabled) -}}
{{- $problems = append $problems "renders.sources.volume is set and renders.enabled is false: set it to true, or empty the volume" -}}
{{- end -}}
{{- if eq $values.tls.mode "existing" -}}
{{- range $of := concat (list "coordinator" "worker") (ternary (list) (list "nats") (ne $values.nats.url "")) -}}
{{- if not (index $values.tls.existing $of) -}}
{{- $problems = append $problems (printf "tls.mode is existing and tls.existing.%s is empty: name a secret with tls.crt, tls.key and ca.crt" $of) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and $values.auth.tokens $values.auth.existingSecret -}}
{{- $problems = append $problems "auth.tokens and auth.existingSecret are both given: write the entries into tokens.yaml of the secret" -}}
{{- end -}}
{{- if not $values.secrets.generate -}}
{{- if and $values.auth.enabled (not $values.auth.existingSecret) -}}
{{- $problems = append $problems "secrets.generate is false and auth.existingSecret is empty: name a secret with tokens.yaml, admin and worker, or set auth.enabled to false" -}}
{{- end -}}
{{- if and (not $values.nats.url) (not $values.nats.existingSecret) -}}
{{- $problems = append $problems "secrets.generate is false and nats.existingSecret is empty: name a secret with users.yaml, coordinator.yaml and worker.yaml" -}}
{{- end -}}
{{- if eq $values.tls.mode "generated" -}}
{{- $problems = append $problems "secrets.generate is false and tls.mode is generated: set tls.mode to certManager, existing or off" -}}
{{- end -}}
{{- end -}}
{{- if regexMatch "^[a-z]+://[^/]*@" $values.nats.url -}}
{{- $problems = append $problems "nats.url has a user or password in it: put them into a secret, and name it in nats.existingSecret" -}}
{{- end -}}
{{- if and $values.nats.caSecret (not $values.nats.url) -}}
{{- $problems = append $problems "nats.caSecret is for an external server: set nats.url, or empty it" -}}
{{- end -}}
{{- $election := $values.coordinator.leaderElection -}}
{{- if or (ge (int $election.renewSeconds) (int $election.leaseSeconds)) (gt (mul 2 (int $election.retrySeconds)) (int $election.renewSeconds)) -}}
{{- $problems = append $problems (printf "coordinator.leaderElection: retrySeconds (%d) must be at most half of renewSeconds (%d), and that less than leaseSeconds (%d)" (int $election.retrySeconds) (int $election.renewSeconds) (int $election.leaseSeconds)) -}}
{{- end -}}
{{- toJson (dict "problems" $problems) -}}
{{- end -}}

{{/* Names that other charts have, or that this one had: the schema lets them in so that the error can say the new one. */}}
{{- define "bivdiff.renamed" -}}
replicaCount: coordinator.replicas
imagePullSecrets: image.pullSecrets
image.repository: image.coordinator, image.worker and image.workerCuda
persistence: store.volume
workers: pools
autoscaling.enabled: autoscaling.by
keda: autoscaling.keda, with autoscaling.by keda
hpa: autoscaling.hpa, with autoscaling.by hpa
scaler: autoscaling, with autoscaling.by scaler
serviceAccount: serviceAccounts.coordinator and serviceAccounts.worker
service: coordinator.service
resources: coordinator.resources and poolDefaults.resources
nodeSelector: coordinator.nodeSelector and poolDefaults.nodeSelector
tolerations: coordinator.tolerations and poolDefaults.tolerations
affinity: coordinator.affinity and poolDefaults.affinity
terminationGracePeriodSeconds: poolDefaults.terminationGracePeriodSeconds
serviceMonitor: metrics.serviceMonitor
prometheusRule: metrics.rules
nats.enabled: nats.url, empty for the chart's own server
tls.enabled: tls.mode
{{- end -}}

{{- define "bivdiff.check" -}}
{{- $problems := (include "bivdiff.problems" . | fromJson).problems -}}
{{- with $problems -}}
{{- fail (printf "\n\nThese values do not go together:\n  - %s\n\nhelm/bivdiff/README.md says what each value is." (join "\n  - " .)) -}}
{{- end -}}
{{- end -}}
