{{- define "lib.label" -}}
lib: "true"
{{- end }}
