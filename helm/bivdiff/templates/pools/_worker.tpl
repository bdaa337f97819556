{{/* A worker of a pool: (dict "root" $ "pool" …) */}}

{{/* Where it has the store: shared, or through the coordinator. */}}
{{- define "bivdiff.worker.store" -}}
{{- if include "bivdiff.isStoreShared" .root -}}
{{- include "bivdiff.storePlace" .root -}}
{{- else -}}
{{ ternary "grpcs" "grpc" (eq (include "bivdiff.isTls" .root) "true") }}://{{ include "bivdiff.host" (dict "root" .root "component" "coordinator") }}:{{ .root.Values.coordinator.service.port | int }}
{{- end -}}
{{- end -}}

{{/* Whether it shows the coordinator a token: where it has the store through it. */}}
{{- define "bivdiff.worker.hasToken" -}}
{{- if and .root.Values.auth.enabled (not (include "bivdiff.isStoreShared" .root)) -}}true{{- end -}}
{{- end -}}

{{/* Whether it has the volume of models: to load them before they are asked for. */}}
{{- define "bivdiff.worker.hasModels" -}}
{{- if and .root.Values.models.volume .pool.preload -}}true{{- end -}}
{{- end -}}

{{/* How it reaches a store that is the coordinator's, and who it is to other workers. */}}
{{- define "bivdiff.worker.access" -}}
{{- if include "bivdiff.isTls" .root }}
- --tls-ca
- /run/bivdiff/tls/ca.crt
- --tls-cert
- /run/bivdiff/tls/tls.crt
- --tls-key
- /run/bivdiff/tls/tls.key
{{- else }}
- --insecure
{{- end }}
{{- if include "bivdiff.worker.hasToken" . }}
- --token-file
- /run/bivdiff/token/worker
{{- end }}
{{- end -}}

{{- define "bivdiff.worker.fit" -}}
{{- range .pool.serves }}
- --pool
- {{ . }}
{{- end }}
- --slots
- {{ .pool.slots | int | quote }}
{{- with include "bivdiff.pool.memoryGib" .pool }}
- --memory-gib
- {{ . | quote }}
{{- end }}
{{- end -}}

{{- define "bivdiff.worker.args" -}}
{{- $pool := .pool -}}
- worker
- --name
- $(POD_NAME)
- --device
- {{ $pool.device }}
{{- include "bivdiff.worker.fit" . }}
- --store
- {{ include "bivdiff.worker.store" . | quote }}
{{- include "bivdiff.worker.access" . }}
{{ include "bivdiff.natsFlags" (dict "root" .root "role" "worker") }}
- --serve
- {{ ternary "[$(POD_IP)]:7181" "$(POD_IP):7181" (eq .root.Values.ipFamily "IPv6") | quote }}
{{- if include "bivdiff.isTls" .root }}
- --serve-tls
{{- end }}
- --http
- {{ include "bivdiff.anyAddress" (dict "root" .root "port" .root.Values.metrics.port) | quote }}
- --drain-seconds
# What the program may take; the margin is the kubelet's.
- {{ add (int $pool.drain.longestStepSeconds) (int $pool.drain.uploadSeconds) | quote }}
- --cache
- /var/lib/bivdiff/cache
- --cache-gib
- {{ $pool.cache.sizeGib | int | quote }}
{{- if include "bivdiff.worker.hasModels" . }}
- --models
- /models
{{- else if .root.Values.models.volume }}
- --no-models
{{- end }}
{{- range $pool.preload }}
- --preload
- {{ . | quote }}
{{- end }}
{{- if $pool.threads }}
- --threads
- {{ $pool.threads | int | quote }}
{{- end }}
{{- if not (kindIs "invalid" $pool.checkpointSeconds) }}
- --checkpoint-seconds
- {{ $pool.checkpointSeconds | int | quote }}
{{- end }}
{{- if not (kindIs "invalid" $pool.heldGib) }}
- --held-gib
- {{ $pool.heldGib | quote }}
{{- end }}
{{- range $pool.extraArgs }}
- {{ . | quote }}
{{- end }}
{{- end -}}

{{- define "bivdiff.worker.mounts" -}}
- { name: tmp, mountPath: /tmp }
- { name: cache, mountPath: /var/lib/bivdiff/cache }
{{- if and (eq .root.Values.store.kind "volume") (include "bivdiff.isStoreShared" .root) }}
- { name: store, mountPath: /var/lib/bivdiff/store }
{{- end }}
{{- if include "bivdiff.isTls" .root }}
- { name: tls, mountPath: /run/bivdiff/tls, readOnly: true }
{{- end }}
{{- if include "bivdiff.worker.hasToken" . }}
- { name: token, mountPath: /run/bivdiff/token, readOnly: true }
{{- end }}
{{- end -}}

{{- define "bivdiff.worker.volumes" -}}
- { name: tmp, emptyDir: {} }
- name: cache
  {{- if .pool.cache.volume }}
  {{- toYaml .pool.cache.volume | nindent 2 }}
  {{- else }}
  # The program keeps to its size by itself; while a model comes it may be a little more.
  emptyDir: { sizeLimit: {{ mulf .pool.cache.sizeGib 1.25 | addf .pool.cache.graphsGib | ceil | int }}Gi }
  {{- end }}
{{- if and (eq .root.Values.store.kind "volume") (include "bivdiff.isStoreShared" .root) }}
- { name: store, persistentVolumeClaim: { claimName: {{ include "bivdiff.storeClaim" .root }} } }
{{- end }}
{{- if include "bivdiff.worker.hasModels" . }}
- name: models
  {{- toYaml .root.Values.models.volume | nindent 2 }}
{{- end }}
{{- include "bivdiff.natsVolumes" (dict "root" .root "role" "worker") }}
{{- with include "bivdiff.tlsSecret" (dict "root" .root "of" "worker") }}
- { name: tls, secret: { secretName: {{ . }}, defaultMode: 0440 } }
{{- end }}
{{- if include "bivdiff.worker.hasToken" . }}
- { name: token, secret: { secretName: {{ include "bivdiff.tokensSecret" .root }}, defaultMode: 0440, items: [{ key: worker, path: worker }] } }
{{- end }}
{{- end -}}

{{/* What the container asks for, the device among it. */}}
{{- define "bivdiff.worker.resources" -}}
{{- $resources := deepCopy .pool.resources -}}
{{- if and (eq .pool.device "cuda") .pool.isDra -}}
{{- $_ := set $resources "claims" (list (dict "name" "gpu")) -}}
{{- else if eq .pool.device "cuda" -}}
{{- $limits := deepCopy ($resources.limits | default dict) -}}
{{- $_ := set $limits .pool.gpu.resource (int .pool.gpu.count) -}}
{{- $_ := set $resources "limits" $limits -}}
{{- end -}}
{{- toYaml $resources -}}
{{- end -}}

{{- define "bivdiff.worker.claimTemplate" -}}
{{- .pool.dra.claimTemplate | default (printf "%s-%s" (include "bivdiff.fullname" .root) .pool.name) -}}
{{- end -}}
