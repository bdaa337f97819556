{{/*
How every object of the chart comes out: made by a template of its own, then changed by the user's hooks, so that nobody has to fork the
chart for a field that it has no value for. `merge` is a JSON merge patch (RFC 7386), `patch` a JSON patch (RFC 6902).
(dict "root" $ "as" "coordinatorService" "yaml" (include …) "more" (list of further hooks, each with "of": the value that has it))
*/}}
{{- define "bivdiff.emit" -}}
{{- include "bivdiff.check" .root -}}
{{- $object := fromYaml .yaml -}}
{{- with $object.Error -}}{{- fail (printf "%s is no YAML: %s" $.as .) -}}{{- end -}}
{{- $first := merge (dict "of" (printf "overrides.%s" .as)) (index .root.Values.overrides .as | default dict) -}}
{{- range $hook := concat (list $first) (.more | default list) -}}
{{- with $hook.merge -}}
{{- $object = include "bivdiff.merge" (dict "into" $object "from" .) | fromJson -}}
{{- end -}}
{{- range $step := $hook.patch -}}
{{- if not (hasPrefix "/" (toString $step.path)) -}}{{- fail (printf "%s.patch: the path %q does not begin with /" $hook.of (toString $step.path)) -}}{{- end -}}
{{- $path := splitList "/" (trimPrefix "/" $step.path) -}}
{{- $object = (include "bivdiff.patch" (dict "at" $object "path" $path "step" $step "of" $hook.of) | fromJson).is -}}
{{- end -}}
{{- end }}
---
{{ toYaml $object }}
{{- end -}}

{{/* RFC 7386: maps are merged, null takes a key away, all else is replaced. Prints JSON. */}}
{{- define "bivdiff.merge" -}}
{{- $out := deepCopy .into -}}
{{- range $key, $value := .from -}}
{{- if kindIs "invalid" $value -}}
{{- $_ := unset $out $key -}}
{{- else if kindIs "map" $value -}}
{{- $below := dict -}}
{{- if kindIs "map" (get $out $key) -}}{{- $below = get $out $key -}}{{- end -}}
{{- $_ := set $out $key (include "bivdiff.merge" (dict "into" $below "from" $value) | fromJson) -}}
{{- else -}}
{{- $_ := set $out $key $value -}}
{{- end -}}
{{- end -}}
{{- toJson $out -}}
{{- end -}}

{{/* One step of RFC 6902 (add, replace, remove, test) at the end of a path. Prints JSON, the result under "is". */}}
{{- define "bivdiff.patch" -}}
{{- $name := first .path | replace "~1" "/" | replace "~0" "~" -}}
{{- $rest := rest .path -}}
{{- $step := .step -}}
{{- $lost := printf "%s.patch: %s %s: there is no %q" .of $step.op $step.path $name -}}
{{- $out := .at -}}
{{- if kindIs "map" .at -}}
{{- $out = deepCopy .at -}}
{{- if $rest -}}
{{- if not (hasKey $out $name) -}}{{- fail $lost -}}{{- end -}}
{{- $below := dict "at" (get $out $name) "path" $rest "step" $step "of" .of -}}
{{- $_ := set $out $name (include "bivdiff.patch" $below | fromJson).is -}}
{{- else if eq $step.op "add" -}}
{{- $_ := set $out $name $step.value -}}
{{- else if not (hasKey $out $name) -}}
{{- fail $lost -}}
{{- else if eq $step.op "remove" -}}
{{- $_ := unset $out $name -}}
{{- else if eq $step.op "replace" -}}
{{- $_ := set $out $name $step.value -}}
{{- else if ne (toJson (get $out $name)) (toJson $step.value) -}}
{{- fail (printf "%s.patch: test %s: it is %s" .of $step.path (toJson (get $out $name))) -}}
{{- end -}}
{{- else if kindIs "slice" .at -}}
{{- $size := len .at -}}
{{- $isEnd := and (eq $name "-") (eq $step.op "add") (not $rest) -}}
{{- if and (not $isEnd) (not (regexMatch "^(0|[1-9][0-9]*)$" $name)) -}}{{- fail $lost -}}{{- end -}}
{{- $i := $isEnd | ternary $size (int $name) -}}
{{- $isAdd := and (eq $step.op "add") (not $rest) -}}
{{- if gt $i (ternary $size (sub $size 1 | int) $isAdd) -}}{{- fail $lost -}}{{- end -}}
{{- if $isAdd -}}
{{- $out = concat (slice .at 0 $i) (list $step.value) (slice .at $i) -}}
{{- else -}}
{{- $middle := list -}}
{{- $old := index .at $i -}}
{{- if $rest -}}
{{- $middle = list (include "bivdiff.patch" (dict "at" $old "path" $rest "step" $step "of" .of) | fromJson).is -}}
{{- else if eq $step.op "replace" -}}
{{- $middle = list $step.value -}}
{{- else if eq $step.op "test" -}}
{{- if ne (toJson $old) (toJson $step.value) -}}{{- fail (printf "%s.patch: test %s: it is %s" .of $step.path (toJson $old)) -}}{{- end -}}
{{- $middle = list $old -}}
{{- end -}}
{{- $out = concat (slice .at 0 $i) $middle (slice .at (add $i 1 | int)) | default list -}}
{{- end -}}
{{- else -}}
{{- fail $lost -}}
{{- end -}}
{{- toJson (dict "is" $out) -}}
{{- end -}}
