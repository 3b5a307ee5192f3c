{{/* One name for all objects of the release: the release's, with the chart's when it does not hold it. */}}
{{- define "mailfleet.name" -}}
{{- ternary .Release.Name (printf "%s-mailfleet" .Release.Name) (contains "mailfleet" .Release.Name) | trunc 52 | trimSuffix "-" }}
{{- end }}

{{- define "mailfleet.serviceAccount" -}}
{{ default (include "mailfleet.name" .) .Values.serviceAccount.name }}
{{- end }}

{{/* What the operator recognises its own pods by, in the network policies of clusters: the name must stay. */}}
{{- define "mailfleet.selector" -}}
app.kubernetes.io/name: mailfleet-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "mailfleet.labels" -}}
{{ include "mailfleet.selector" . }}
app.kubernetes.io/part-of: mailfleet
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "mailfleet.image" -}}
{{- with .Values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ default $.Chart.AppVersion .tag }}{{ end }}
{{- end }}
{{- end }}

{{- define "mailfleet.engineImage" -}}
{{ default (printf "mailfleet-mta:%s" .Chart.AppVersion) .Values.engineImage }}
{{- end }}

{{- define "mailfleet.webImage" -}}
{{ default (printf "mailfleet-web:%s" .Chart.AppVersion) .Values.webImage }}
{{- end }}
