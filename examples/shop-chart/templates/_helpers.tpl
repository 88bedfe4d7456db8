{{- define "shop.image" -}}
{{ .root.Values.registry }}/{{ .image.repository }}:{{ .image.tag }}
{{- end }}

{{- define "shop.name" -}}
{{ .root.Release.Name }}-{{ .component }}
{{- end }}

{{- define "shop.selector" -}}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "shop.labels" -}}
{{ include "shop.selector" . }}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}
