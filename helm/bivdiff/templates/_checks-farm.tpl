{{/* Problems of the farm as a whole, for bivdiff.problems: each prints JSON as that does. */}}

{{/* What objects and their labels would be called. A server would refuse some of them when the others are there already. */}}
{{- define "bivdiff.problems.names" -}}
{{- $problems := list -}}
{{- $full := include "bivdiff.fullname" . -}}
{{- if not (regexMatch "^[a-z]([a-z0-9-]*[a-z0-9])?$" $full) -}}
{{- $problems = append $problems (printf "names of objects would begin with %q, and a Service's is of a-z, 0-9 and -, and begins with a letter: set fullnameOverride to such" $full) -}}
{{- end -}}
{{- $labels := dict "commonLabels" .Values.commonLabels "coordinator.podLabels" .Values.coordinator.podLabels "poolDefaults.podLabels" .Values.poolDefaults.podLabels -}}
{{- range $name, $own := .Values.pools -}}
{{- if kindIs "map" $own -}}
{{- $_ := set $labels (printf "pools.%s.podLabels" $name) ($own.podLabels | default dict) -}}
{{- $object := printf "%s-%s" $full $name -}}
{{- if or (eq $name "coordinator") (not (regexMatch "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$" $name)) -}}
{{- $problems = append $problems (printf "pools.%s: a pool's name is of a-z, 0-9 and -, as a DNS label, and not coordinator: give it such, and say with serves whose tasks it runs" $name) -}}
{{- else if gt (len $object) 63 -}}
{{- $problems = append $problems (printf "pools.%s: its objects would be called %s (%d characters), and 63 are let in: give it a shorter name, or set fullnameOverride to one" $name $object (len $object)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $at, $given := $labels -}}
{{- range $key, $_ := $given -}}
{{- if or (hasPrefix "bivdiff.dev/" $key) (has $key (list "app.kubernetes.io/name" "app.kubernetes.io/instance" "app.kubernetes.io/component" "app.kubernetes.io/managed-by")) -}}
{{- $problems = append $problems (printf "%s: the label %s is the chart's own, by which objects find each other: take another key" $at $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson (dict "problems" $problems) -}}
{{- end -}}

{{/* Of which numerics class jobs are, and whether one class serves all of a job. */}}
{{- define "bivdiff.problems.class" -}}
{{- $problems := list -}}
{{- $on := dict "cpu" list "cuda" list -}}
{{- $isDrawn := false -}}
{{- $least := list -}}
{{- range $name, $pool := include "bivdiff.pools" . | fromJson -}}
{{- $at := printf "pools.%s" $name -}}
{{- $_ := set $on $pool.device (append (get $on $pool.device | default list) $at) -}}
{{- if has "idm" $pool.serves -}}
{{- if gt (int (ternary $pool.scaling.min $pool.replicas $pool.isScaled)) 0 -}}{{- $isDrawn = true -}}{{- end -}}
{{- $least = append $least (ternary (printf "%s.scaling.min" $at) (printf "%s.replicas" $at) $pool.isScaled) -}}
{{- end -}}
{{- end -}}
{{- if and $on.cpu $on.cuda -}}
{{- $problems = append $problems (printf "cpu is the device of %s, and cuda that of %s: a job is of one numerics class, and needs idm, mixer and vdm of it. Set device to one of them, and no pool's own to the other; a farm for each needs a release for each" (join ", " $on.cpu) (join ", " $on.cuda)) -}}
{{- end -}}
{{- if and $least (not $isDrawn) (has .Values.coordinator.numerics (list "" "workers")) -}}
{{- $problems = append $problems (printf "%s is 0: no worker that draws frames may be there, and coordinator.numerics names no class, so that nobody knows which one jobs are for. Set %s to 1, or name the class as `bivdiff workers --json` shows it" (join " and " $least) (first $least)) -}}
{{- end -}}
{{- toJson (dict "problems" $problems) -}}
{{- end -}}
