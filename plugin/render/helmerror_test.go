package render

import (
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

// TestHelm_AFailedTemplateIsToldInOneReading: the file and line that failed,
// and a text without line breaks.
func TestHelm_AFailedTemplateIsToldInOneReading(t *testing.T) {
	helpers := func(text string) map[string]string { return map[string]string{"templates/_h.tpl": text} }
	for _, test := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{
			name: "a nil pointer", files: withTemplate("{{ .Values.a.b.c }}", nil),
			want: "render/invalid templates/a.yaml:5 rendering the chart's templates: <.Values.a.b.c>: nil pointer evaluating interface {}.b",
		},
		{
			name: "a nil pointer in a helper", files: withTemplate("{{ include `x` . }}", helpers("{{ define `x` }}\n{{ .Values.a.b.c }}{{ end }}")),
			want: "render/invalid templates/_h.tpl:2 rendering the chart's templates: <.Values.a.b.c>: nil pointer evaluating interface {}.b (included from templates/a.yaml:5)",
		},
		{
			name: "a demand of several lines", files: withTemplate("{{ fail `\nVALUES VALIDATION:\n  size: must be set\n\n  key: must be set\n` }}", nil),
			want: "render/invalid templates/a.yaml:5 rendering the chart's templates: VALUES VALIDATION: size: must be set / key: must be set",
		},
		{
			name: "a value that is required", files: withTemplate(`{{ required "set size" .Values.size }}`, nil),
			want: "render/invalid templates/a.yaml:5 rendering the chart's templates: set size",
		},
		{
			name: "a template that does not parse", files: withTemplate("{{ if }}", nil),
			want: "render/invalid templates/a.yaml:5 rendering the chart's templates: missing value for if",
		},
		{
			name: "a helper that is not there", files: withTemplate("{{ include `none` . }}", nil),
			want: "render/invalid templates/a.yaml:5 rendering the chart's templates: <include `none` .>: error calling include: template: no template \"none\" associated with template \"gotpl\"",
		},
		{
			name: "a helper that includes itself", files: withTemplate("{{ include `x` . }}", helpers("\n{{ define `x` }}{{ include `x` . }}{{ end }}")),
			want: "render/invalid templates/_h.tpl:2 the template \"x\" includes itself without end",
		},
		{
			name: "a template that calls itself", files: withTemplate("{{ template `x` . }}", helpers("{{ define `x` }}{{ template `x` . }}{{ end }}")),
			want: "render/invalid templates/_h.tpl:1 the template \"x\" includes itself without end",
		},
		{
			name: "two helpers that include each other", files: withTemplate("{{ include `x` . }}", helpers("{{ define `x` }}{{ include `y` . }}{{ end }}{{ define `y` }}{{ include `x` . }}{{ end }}")),
			want: "render/invalid templates/_h.tpl:1 the template \"x\" includes itself without end",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.files["Chart.yaml"] = goodChart
			_, err := newRenderer().Render(t.Context(), plugin.Source{Root: writeTree(t, test.files), Path: "."})
			if got := told(err); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}
