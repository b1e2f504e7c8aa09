{{- define "speed-gate.name" -}}
{{- default .Release.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "speed-gate.selector" -}}
app.kubernetes.io/name: speed-gate
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "speed-gate.labels" -}}
{{ include "speed-gate.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "speed-gate.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{/* User name of an account, as the API server has it. */}}
{{- define "speed-gate.user" -}}
system:serviceaccount:{{ .root.Release.Namespace }}:{{ include "speed-gate.name" .root }}-{{ .environment }}
{{- end -}}

{{/* JSON list of an environment's namespaces, each once. */}}
{{- define "speed-gate.namespaces" -}}
{{- $found := list -}}
{{- $environment := .environment -}}
{{- range .root.Values.services -}}
{{- $found = append $found (index . $environment).namespace -}}
{{- end -}}
{{- $found | uniq | sortAlpha | toJson -}}
{{- end -}}

{{/* JSON list of the ports of httpd in a namespace's nodes, each once. */}}
{{- define "speed-gate.http-ports" -}}
{{- $found := list -}}
{{- $namespace := .namespace -}}
{{- range .root.Values.services -}}
{{- if or (eq .staging.namespace $namespace) (eq .production.namespace $namespace) -}}
{{- $found = append $found (int (dig "ports" "http" 8080 .)) -}}
{{- end -}}
{{- end -}}
{{- $found | uniq | toJson -}}
{{- end -}}
