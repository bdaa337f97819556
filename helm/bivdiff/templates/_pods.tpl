{{/* What pods have alike: the Pod Security Standard `restricted`, scheduling, folders, the coordinator's and the store's flags. */}}

{{- define "bivdiff.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
# Mounted secrets and claims belong to this group.
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "bivdiff.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: { drop: [ALL] }
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{/* (dict "root" $ "name" "coordinator"): where an image comes from, and what its process may. */}}
{{- define "bivdiff.container" -}}
image: {{ include "bivdiff.image" . }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
# The last lines of its log say why it ended: they show in `kubectl describe`.
terminationMessagePolicy: FallbackToLogsOnError
securityContext:
  {{- include "bivdiff.containerSecurity" . | nindent 2 }}
{{- end -}}

{{- define "bivdiff.pullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* nodeSelector, tolerations and the like of one part of the values. */}}
{{- define "bivdiff.scheduling" -}}
{{- range $field := list "nodeSelector" "tolerations" "affinity" "topologySpreadConstraints" "priorityClassName" "runtimeClassName" }}
{{- with index $.of $field }}
{{ $field }}: {{- if kindIs "string" . }} {{ . }}{{ else }}{{ toYaml . | nindent 2 }}{{ end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "bivdiff.podNames" -}}
- name: POD_NAME
  valueFrom: { fieldRef: { fieldPath: metadata.name } }
- name: POD_NAMESPACE
  valueFrom: { fieldRef: { fieldPath: metadata.namespace } }
- name: POD_IP
  valueFrom: { fieldRef: { fieldPath: status.podIP } }
{{- end -}}

{{/* Keys and region of a store on S3. */}}
{{- define "bivdiff.storeEnvironment" -}}
{{- if eq .Values.store.kind "s3" }}
{{- $s3 := .Values.store.s3 }}
- name: AWS_REGION
  value: {{ $s3.region | quote }}
{{- with $s3.endpoint }}
- name: AWS_ENDPOINT_URL_S3
  value: {{ . | quote }}
{{- end }}
{{- with $s3.secret }}
{{- range $key := list "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY" }}
- name: {{ $key }}
  valueFrom: { secretKeyRef: { name: {{ $s3.secret }}, key: {{ $key }} } }
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Where the store is, for programs that share it. */}}
{{- define "bivdiff.storePlace" -}}
{{- if eq .Values.store.kind "s3" -}}
s3://{{ .Values.store.s3.bucket }}{{ with .Values.store.s3.prefix }}/{{ . }}{{ end }}
{{- else -}}
/var/lib/bivdiff/store
{{- end -}}
{{- end -}}

{{- define "bivdiff.storeClaim" -}}
{{ .Values.store.volume.existingClaim | default (printf "%s-store" (include "bivdiff.fullname" .)) }}
{{- end -}}

{{/* Flags by which a program reaches NATS: (dict "root" $ "role" "worker") */}}
{{- define "bivdiff.natsFlags" -}}
- --nats
- {{ include "bivdiff.natsUrl" .root | quote }}
{{- if include "bivdiff.natsSecret" .root }}
- --nats-credentials
- /run/bivdiff/nats/{{ .role }}.yaml
{{- end }}
{{- if include "bivdiff.natsCa" .root }}
- --nats-tls-ca
- /run/bivdiff/nats-ca/ca.crt
{{- end }}
{{- end -}}

{{/* The mounts and volumes that go with them. */}}
{{- define "bivdiff.natsMounts" -}}
{{- if include "bivdiff.natsSecret" .root }}
- { name: nats, mountPath: /run/bivdiff/nats, readOnly: true }
{{- end }}
{{- if include "bivdiff.natsCa" .root }}
- { name: nats-ca, mountPath: /run/bivdiff/nats-ca, readOnly: true }
{{- end }}
{{- end -}}

{{- define "bivdiff.natsVolumes" -}}
{{- with include "bivdiff.natsSecret" .root }}
- name: nats
  secret:
    secretName: {{ . }}
    defaultMode: 0440
    items: [{ key: {{ $.role }}.yaml, path: {{ $.role }}.yaml }]
{{- end }}
{{- with include "bivdiff.natsCa" .root }}
- name: nats-ca
  secret: { secretName: {{ . }}, items: [{ key: ca.crt, path: ca.crt }] }
{{- end }}
{{- end -}}
