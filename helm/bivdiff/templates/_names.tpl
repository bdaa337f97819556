{{/* Names, labels and references that all objects share. */}}

{{- define "bivdiff.fullname" -}}
{{- $chart := .Values.nameOverride | default .Chart.Name -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains $chart .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $chart | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* (dict "root" $ "component" "coordinator") */}}
{{- define "bivdiff.selector" -}}
app.kubernetes.io/name: {{ .root.Values.nameOverride | default .root.Chart.Name | quote }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end -}}

{{- define "bivdiff.labels" -}}
{{ include "bivdiff.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: bivdiff
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* What every object says of itself: (dict "root" $ "component" … "name" … "annotations" … "labels" …) */}}
{{- define "bivdiff.metadata" -}}
{{- $annotations := merge (dict) (.annotations | default dict) .root.Values.commonAnnotations -}}
name: {{ .name }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "bivdiff.labels" . | nindent 2 }}
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* (dict "root" $ "name" "bivdiff-worker") */}}
{{- define "bivdiff.image" -}}
{{- $image := .root.Values.image -}}
{{- $name := .name -}}
{{- with $image.registry -}}{{- $name = printf "%s/%s" (trimSuffix "/" .) $name -}}{{- end -}}
{{- if contains "@" $name -}}{{ $name }}{{- else -}}{{ $name }}:{{ $image.tag | default .root.Chart.AppVersion }}{{- end -}}
{{- end -}}

{{- define "bivdiff.coordinator.account" -}}
{{ .Values.serviceAccounts.coordinator.name | default (ternary (printf "%s-coordinator" (include "bivdiff.fullname" .)) "default" .Values.serviceAccounts.coordinator.create) }}
{{- end -}}

{{- define "bivdiff.worker.account" -}}
{{ .Values.serviceAccounts.worker.name | default (ternary (printf "%s-worker" (include "bivdiff.fullname" .)) "default" .Values.serviceAccounts.worker.create) }}
{{- end -}}

{{- define "bivdiff.host" -}}
{{ include "bivdiff.fullname" .root }}-{{ .component }}.{{ .root.Release.Namespace }}.svc.{{ .root.Values.clusterDomain }}
{{- end -}}

{{/* All addresses of the pod, with this port. */}}
{{- define "bivdiff.anyAddress" -}}
{{ ternary "[::]" "0.0.0.0" (eq .root.Values.ipFamily "IPv6") }}:{{ .port | int }}
{{- end -}}

{{/* Whether a volume of the store is mounted by all, or by coordinators alone. */}}
{{- define "bivdiff.isStoreShared" -}}
{{- if or (eq .Values.store.kind "s3") (eq .Values.store.volume.accessMode "ReadWriteMany") -}}true{{- end -}}
{{- end -}}
