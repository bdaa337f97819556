{{/* The coordinator: what it is told, and the files that tell it. */}}

{{- define "bivdiff.coordinator.name" -}}{{ include "bivdiff.fullname" . }}-coordinator{{- end -}}

{{/* The file of `--kubernetes`. */}}
{{- define "bivdiff.coordinator.config" -}}
namespace: {{ .Release.Namespace }}
leaderElection:
  lease: {{ include "bivdiff.coordinator.name" . }}
  identity: POD_NAME
  leaseSeconds: {{ .Values.coordinator.leaderElection.leaseSeconds | int }}
  renewSeconds: {{ .Values.coordinator.leaderElection.renewSeconds | int }}
  retrySeconds: {{ .Values.coordinator.leaderElection.retrySeconds | int }}
leaderLabel: bivdiff.dev/leader
{{- if eq .Values.autoscaling.by "scaler" }}
{{- $scaled := dict }}
{{- range $name, $pool := include "bivdiff.pools" . | fromJson }}
{{- if $pool.isScaled }}{{- $_ := set $scaled (first $pool.serves) $pool }}{{- end }}
{{- end }}
{{- if $scaled }}
scaler:
  targetSeconds: {{ .Values.autoscaling.targetSeconds | int }}
  {{- with .Values.autoscaling.gpuSecondsMax }}
  gpuSecondsMax: {{ . | toJson }}
  {{- end }}
  pools:
    {{- range $served, $pool := $scaled }}
    {{ $served }}:
      deployment: {{ include "bivdiff.fullname" $ }}-{{ $pool.name }}
      min: {{ $pool.scaling.min | int }}
      max: {{ $pool.scaling.max | int }}
      slotsPerWorker: {{ $pool.slots | int }}
      cooldownSeconds: {{ $pool.scaling.cooldownSeconds | int }}
      startSeconds: {{ $pool.scaling.startSeconds | int }}
    {{- end }}
{{- end }}
{{- end }}
{{- with include "bivdiff.coordinator.renders" . }}
{{ . }}
{{- end }}
{{- end -}}

{{- define "bivdiff.coordinator.renders" -}}
{{- if .Values.renders.enabled -}}
renders:
  owner: {{ .Values.renders.owner | quote }}
  priorityMax: {{ .Values.renders.priorityMax | int }}
  {{- if include "bivdiff.coordinator.hasSources" . }}
  sources: /sources
  {{- end }}
{{- end -}}
{{- end -}}

{{- define "bivdiff.coordinator.args" -}}
{{- $values := .Values.coordinator -}}
- coordinator
- --store
- {{ include "bivdiff.storePlace" . }}
- --listen
- {{ include "bivdiff.anyAddress" (dict "root" . "port" 7180) | quote }}
- --http
- {{ include "bivdiff.anyAddress" (dict "root" . "port" .Values.metrics.port) | quote }}
- --kubernetes
- /etc/bivdiff/kubernetes.yaml
{{ include "bivdiff.natsFlags" (dict "root" . "role" "coordinator") }}
{{- if include "bivdiff.isTls" . }}
- --tls-cert
- /run/bivdiff/tls/tls.crt
- --tls-key
- /run/bivdiff/tls/tls.key
{{- end }}
{{- if .Values.auth.enabled }}
- --tokens
- /run/bivdiff/tokens/tokens.yaml
{{- end }}
{{- if not (and (include "bivdiff.isTls" .) .Values.auth.enabled) }}
- --insecure
{{- end }}
- --numerics
# Not that of its own processors, which says nothing of those of workers.
- {{ $values.numerics | default "workers" | quote }}
{{- if .Values.models.volume }}
- --models
- /models
{{- end }}
{{- if not (kindIs "invalid" $values.keepJobsDays) }}
- --keep-jobs
- {{ $values.keepJobsDays | toJson | quote }}
{{- end }}
{{- range $name, $value := $values.limits }}
- --limit
- {{ $name }}={{ $value | int64 }}
{{- end }}
{{- range $values.extraArgs }}
- {{ . | quote }}
{{- end }}
{{- end -}}

{{- define "bivdiff.coordinator.mounts" -}}
- { name: tmp, mountPath: /tmp }
- { name: cache, mountPath: /var/lib/bivdiff/cache }
{{- if eq .Values.store.kind "volume" }}
- { name: store, mountPath: /var/lib/bivdiff/store }
{{- end }}
{{- if .Values.models.volume }}
{{ include "bivdiff.modelsMount" . }}
{{- end }}
{{- end -}}

{{- define "bivdiff.coordinator.hasSources" -}}
{{- if and .Values.renders.enabled .Values.renders.sources.volume -}}true{{- end -}}
{{- end -}}

{{- define "bivdiff.coordinator.volumes" -}}
- { name: tmp, emptyDir: {} }
- { name: cache, emptyDir: {} }
- { name: config, configMap: { name: {{ include "bivdiff.coordinator.name" . }} } }
{{- if eq .Values.store.kind "volume" }}
- { name: store, persistentVolumeClaim: { claimName: {{ include "bivdiff.storeClaim" . }} } }
{{- end }}
{{- with .Values.models.volume }}
- name: models
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if include "bivdiff.coordinator.hasSources" . }}
- name: sources
  {{- toYaml .Values.renders.sources.volume | nindent 2 }}
{{- end }}
{{- include "bivdiff.natsVolumes" (dict "root" . "role" "coordinator") }}
{{- with include "bivdiff.tlsSecret" (dict "root" . "of" "coordinator") }}
- { name: tls, secret: { secretName: {{ . }}, defaultMode: 0440 } }
{{- end }}
{{- with include "bivdiff.tokensSecret" . }}
- { name: tokens, secret: { secretName: {{ . }}, defaultMode: 0440, items: [{ key: tokens.yaml, path: tokens.yaml }] } }
{{- end }}
{{- end -}}

{{/* One node holds a volume that is ReadWriteOnce; else two nodes are better than one. */}}
{{- define "bivdiff.coordinator.affinity" -}}
{{- $term := dict "topologyKey" "kubernetes.io/hostname" "labelSelector" (dict "matchLabels" (include "bivdiff.selector" (dict "root" . "component" "coordinator") | fromYaml)) -}}
{{- if .Values.coordinator.affinity -}}
{{- toJson .Values.coordinator.affinity -}}
{{- else if include "bivdiff.isStoreShared" . -}}
{{- toJson (dict "podAntiAffinity" (dict "preferredDuringSchedulingIgnoredDuringExecution" (list (dict "weight" 100 "podAffinityTerm" $term)))) -}}
{{- else -}}
{{- toJson (dict "podAffinity" (dict "requiredDuringSchedulingIgnoredDuringExecution" (list $term))) -}}
{{- end -}}
{{- end -}}

{{- define "bivdiff.modelsMount" -}}
- name: models
  mountPath: /models
  readOnly: true
  {{- with .Values.models.subPath }}
  subPath: {{ . }}
  {{- end }}
{{- end -}}
