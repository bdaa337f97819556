{{/* What a pool is: its own values over `poolDefaults`, and what follows from them. */}}

{{/* Every pool that there is, as JSON, by name. */}}
{{- define "bivdiff.pools" -}}
{{- $pools := dict -}}
{{- range $name, $own := .Values.pools -}}
{{- if kindIs "map" $own -}}
{{- $pool := include "bivdiff.merge" (dict "into" $.Values.poolDefaults "from" $own) | fromJson -}}
{{- if $pool.enabled -}}
{{- $_ := set $pool "name" $name -}}
{{- $_ := set $pool "serves" ($pool.serves | default (list $name)) -}}
{{- $_ := set $pool "device" ($pool.device | default $.Values.device) -}}
{{- $sum := add (int $pool.drain.longestStepSeconds) (int $pool.drain.uploadSeconds) (int $pool.drain.marginSeconds) -}}
{{- $_ := set $pool "graceLeast" $sum -}}
{{- $_ := set $pool "grace" (int ($pool.terminationGracePeriodSeconds | default $sum)) -}}
{{- $isDra := or $pool.dra.deviceClass $pool.dra.claimTemplate -}}
{{- $_ := set $pool "isDra" (and (eq $pool.device "cuda") (not (not $isDra))) -}}
{{- $isScaled := and (ne $.Values.autoscaling.by "none") (gt (int $pool.scaling.max) 0) -}}
{{- $_ := set $pool "isScaled" $isScaled -}}
{{- $_ := set $pool "patchOf" (ternary (printf "pools.%s" $name) "poolDefaults" (hasKey $own "patch")) -}}
{{- $_ := set $pools $name $pool -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $pools -}}
{{- end -}}

{{/* GiB of a Kubernetes quantity; nothing of what is none. */}}
{{- define "bivdiff.gibOf" -}}
{{- $text := kindIs "string" . | ternary (toString .) (toJson .) | trimPrefix "+" -}}
{{- $gib := dict "Ki" 9.5367431640625e-07 "Mi" 0.0009765625 "Gi" 1.0 "Ti" 1024.0 "Pi" 1048576.0 "Ei" 1073741824.0 "n" 9.313225746154785e-19 "u" 9.313225746154785e-16 "m" 9.313225746154785e-13 "k" 9.313225746154785e-07 "M" 0.00095367431640625 "G" 0.9313225746154785 "T" 931.3225746154785 "P" 931322.5746154785 "E" 931322574.6154785 "" 9.313225746154785e-10 -}}
{{- $number := regexFind "^([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?" $text -}}
{{- $unit := trimPrefix $number $text -}}
{{- if and $number (hasKey $gib $unit) -}}{{- mulf (float64 $number) (get $gib $unit) -}}{{- end -}}
{{- end -}}

{{/* What models may fill, GiB: empty on a GPU for all of it. Of processors, the program would take half of the node's memory for its own. */}}
{{- define "bivdiff.pool.memoryGib" -}}
{{- if .memoryGib -}}
{{- .memoryGib -}}
{{- else if eq .device "cpu" -}}
{{- $limits := .resources.limits | default dict -}}
{{- $requests := .resources.requests | default dict -}}
{{- with include "bivdiff.gibOf" ($limits.memory | default $requests.memory | default "") -}}
{{- divf (float64 .) 2.0 -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Affinity of a pool's pods: the user's, and the memory of the GPU. */}}
{{- define "bivdiff.pool.affinity" -}}
{{- $affinity := deepCopy (.affinity | default dict) -}}
{{- if and .gpu.memoryGibMin (eq .device "cuda") (not .isDra) -}}
{{- $least := sub (mulf .gpu.memoryGibMin 1024 | floor | int) 1 | toString -}}
{{- $rule := dict "key" .gpu.memoryLabel "operator" "Gt" "values" (list $least) -}}
{{- $node := $affinity.nodeAffinity | default dict -}}
{{- $required := $node.requiredDuringSchedulingIgnoredDuringExecution | default dict -}}
{{- $terms := list -}}
{{- /* Terms are alternatives: each of them gets the rule. */ -}}
{{- range ($required.nodeSelectorTerms | default (list dict)) -}}
{{- $term := deepCopy . -}}
{{- $_ := set $term "matchExpressions" (append (.matchExpressions | default list) $rule) -}}
{{- $terms = append $terms $term -}}
{{- end -}}
{{- $_ := set $node "requiredDuringSchedulingIgnoredDuringExecution" (dict "nodeSelectorTerms" $terms) -}}
{{- $_ := set $affinity "nodeAffinity" $node -}}
{{- end -}}
{{- toJson $affinity -}}
{{- end -}}

{{/* nodeSelector and the like with what a pool has by itself. */}}
{{- define "bivdiff.pool.scheduling" -}}
{{- $of := deepCopy .pool -}}
{{- $_ := set $of "affinity" (include "bivdiff.pool.affinity" .pool | fromJson) -}}
{{- if and (not .pool.tolerations) (eq .pool.device "cuda") -}}
{{- $_ := set $of "tolerations" (list (dict "key" (ternary "nvidia.com/gpu" .pool.gpu.resource (hasPrefix "nvidia.com/" .pool.gpu.resource)) "operator" "Exists" "effect" "NoSchedule")) -}}
{{- end -}}
{{- if not .pool.topologySpreadConstraints -}}
{{- $labels := include "bivdiff.selector" (dict "root" .root "component" "worker") | fromYaml -}}
{{- $_ := set $labels "bivdiff.dev/pool" .pool.name -}}
{{- $_ := set $of "topologySpreadConstraints" (list (dict "maxSkew" 1 "topologyKey" "kubernetes.io/hostname" "whenUnsatisfiable" "ScheduleAnyway" "labelSelector" (dict "matchLabels" $labels))) -}}
{{- end -}}
{{- include "bivdiff.scheduling" (dict "of" $of) -}}
{{- end -}}
