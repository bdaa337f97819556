{{/* Which secrets there are, by how they come about. An empty answer: none. */}}

{{/* (dict "root" $ "of" "coordinator") */}}
{{- define "bivdiff.tlsSecret" -}}
{{- $mode := .root.Values.tls.mode -}}
{{- if eq $mode "existing" -}}
{{- index .root.Values.tls.existing .of -}}
{{- else if ne $mode "off" -}}
{{- include "bivdiff.fullname" .root }}-{{ .of }}-tls
{{- end -}}
{{- end -}}

{{- define "bivdiff.isTls" -}}{{- if ne .Values.tls.mode "off" -}}true{{- end -}}{{- end -}}

{{- define "bivdiff.natsUrl" -}}
{{- if .Values.nats.url -}}
{{- .Values.nats.url -}}
{{- else -}}
{{- ternary "tls" "nats" (eq (include "bivdiff.isTls" .) "true") }}://{{ include "bivdiff.host" (dict "root" . "component" "nats") }}:4222
{{- end -}}
{{- end -}}

{{/* User and password of each program. An external server may do without. */}}
{{- define "bivdiff.natsSecret" -}}
{{- if .Values.nats.existingSecret -}}
{{- .Values.nats.existingSecret -}}
{{- else if not .Values.nats.url -}}
{{- include "bivdiff.fullname" . }}-nats-users
{{- end -}}
{{- end -}}

{{/* Whom to trust as NATS server. */}}
{{- define "bivdiff.natsCa" -}}
{{- if .Values.nats.url -}}
{{- .Values.nats.caSecret -}}
{{- else -}}
{{- include "bivdiff.tlsSecret" (dict "root" . "of" "nats") -}}
{{- end -}}
{{- end -}}

{{- define "bivdiff.tokensSecret" -}}
{{- if .Values.auth.enabled -}}
{{- .Values.auth.existingSecret | default (printf "%s-tokens" (include "bivdiff.fullname" .)) -}}
{{- end -}}
{{- end -}}

{{/* What of a generated secret changes when it does: pods begin anew with it. Not of those that others make. */}}
{{- define "bivdiff.existingData" -}}
{{- $found := lookup "v1" "Secret" .root.Release.Namespace .name -}}
{{- toJson (dict "is" (($found | default dict).data | default dict)) -}}
{{- end -}}

{{- define "bivdiff.serverNames" -}}
{{- $name := printf "%s-%s" (include "bivdiff.fullname" .root) .of -}}
{{- $inNamespace := printf "%s.%s" $name .root.Release.Namespace -}}
{{- $names := list $name $inNamespace (printf "%s.svc" $inNamespace) (printf "%s.svc.%s" $inNamespace .root.Values.clusterDomain) "localhost" -}}
{{- if eq .of "coordinator" -}}{{- $names = concat $names .root.Values.tls.extraNames -}}{{- end -}}
{{- toJson (dict "is" $names) -}}
{{- end -}}
