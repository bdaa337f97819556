{{/*
Secrets that the chart makes: once, when they are not in the cluster yet. Templates are rendered one by one, and each draw would be another: so what
was drawn is kept beside the values for the rest of this rendering. Prints JSON: for each secret its `data`.
*/}}
{{- define "bivdiff.generated" -}}
{{- if not (hasKey .Values "generatedHere") -}}
{{- $made := dict -}}
{{- if and .Values.auth.enabled (not .Values.auth.existingSecret) -}}
{{- $_ := set $made "tokens" (include "bivdiff.generated.tokens" . | fromJson) -}}
{{- end -}}
{{- if and (not .Values.nats.url) (not .Values.nats.existingSecret) -}}
{{- $_ := set $made "nats-users" (include "bivdiff.generated.natsUsers" . | fromJson) -}}
{{- end -}}
{{- if eq .Values.tls.mode "generated" -}}
{{- $made = merge $made (include "bivdiff.generated.tls" . | fromJson) -}}
{{- end -}}
{{- $_ := set .Values "generatedHere" $made -}}
{{- end -}}
{{- toJson .Values.generatedHere -}}
{{- end -}}

{{/* Base64 of what the secret has under this key, or of what is drawn: (dict "data" … "key" … "drawn" …) */}}
{{- define "bivdiff.kept" -}}
{{- if get .data .key -}}{{ get .data .key }}{{- else -}}{{ .drawn | b64enc }}{{- end -}}
{{- end -}}

{{- define "bivdiff.generated.tokens" -}}
{{- $old := (include "bivdiff.existingData" (dict "root" . "name" (include "bivdiff.tokensSecret" .)) | fromJson).is -}}
{{- $data := dict -}}
{{- $entries := list -}}
{{- range $owner, $role := dict "admin" "operate" "worker" "worker" -}}
{{- $kept := include "bivdiff.kept" (dict "data" $old "key" $owner "drawn" (printf "bivdiff_%s" (randAlphaNum 43))) -}}
{{- $_ := set $data $owner $kept -}}
{{- $entries = append $entries (dict "sha256" ($kept | b64dec | sha256sum) "owner" $owner "roles" (list $role)) -}}
{{- end -}}
{{- $_ := set $data "tokens.yaml" (dict "tokens" (concat $entries .Values.auth.tokens) | toYaml | b64enc) -}}
{{- toJson $data -}}
{{- end -}}

{{- define "bivdiff.generated.natsUsers" -}}
{{- $old := (include "bivdiff.existingData" (dict "root" . "name" (include "bivdiff.natsSecret" .)) | fromJson).is -}}
{{- $data := dict -}}
{{- $users := list -}}
{{- range $role := list "coordinator" "worker" -}}
{{- $drawn := printf "user: %s\npassword: %s\n" $role (randAlphaNum 32) -}}
{{- $kept := include "bivdiff.kept" (dict "data" $old "key" (printf "%s.yaml" $role) "drawn" $drawn) -}}
{{- $_ := set $data (printf "%s.yaml" $role) $kept -}}
{{- $login := $kept | b64dec | fromYaml -}}
{{- $users = append $users (dict "user" $login.user "role" $role "password" $login.password) -}}
{{- end -}}
{{- $_ := set $data "users.yaml" (dict "users" $users | toYaml | b64enc) -}}
{{- toJson $data -}}
{{- end -}}

{{/* An authority of the release's own, and a certificate of it for each program. One is made anew when its names change. */}}
{{- define "bivdiff.generated.tls" -}}
{{- $full := include "bivdiff.fullname" . -}}
{{- $days := int .Values.tls.days -}}
{{- $made := dict -}}
{{- $old := (include "bivdiff.existingData" (dict "root" . "name" (printf "%s-ca" $full)) | fromJson).is -}}
{{- $authority := dict -}}
{{- if and (get $old "tls.crt") (get $old "tls.key") -}}
{{- $authority = buildCustomCert (get $old "tls.crt") (get $old "tls.key") -}}
{{- else -}}
{{- $authority = genCA (printf "%s-ca" $full | trunc 60) $days -}}
{{- end -}}
{{- $_ := set $made "ca" (dict "tls.crt" ($authority.Cert | b64enc) "tls.key" ($authority.Key | b64enc)) -}}
{{- range $of := concat (list "coordinator" "worker") (ternary (list "nats") (list) (not $.Values.nats.url)) -}}
{{- $names := (include "bivdiff.serverNames" (dict "root" $ "of" $of) | fromJson).is -}}
{{- $mark := printf "%s %s" ($names | join " ") ($authority.Cert | sha256sum) | sha256sum | b64enc -}}
{{- $data := (include "bivdiff.existingData" (dict "root" $ "name" (printf "%s-%s-tls" $full $of)) | fromJson).is -}}
{{- if or (ne (get $data "names") $mark) (not (get $data "tls.key")) -}}
{{- $certificate := genSignedCert (printf "%s-%s" $full $of | trunc 60) (list "127.0.0.1") $names $days $authority -}}
{{- $data = dict "tls.crt" ($certificate.Cert | b64enc) "tls.key" ($certificate.Key | b64enc) "ca.crt" ($authority.Cert | b64enc) "names" $mark -}}
{{- end -}}
{{- $_ := set $made (printf "%s-tls" $of) $data -}}
{{- end -}}
{{- toJson $made -}}
{{- end -}}

{{/* Changes when what a program of this kind reads at its start does: (dict "root" $ "of" "worker") */}}
{{- define "bivdiff.secretsChecksum" -}}
{{- $made := include "bivdiff.generated" .root | fromJson -}}
{{- list (get $made "nats-users") (get $made (printf "%s-tls" .of)) | toJson | sha256sum -}}
{{- end -}}
