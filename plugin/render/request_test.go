package render

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

func TestRender_RequestForAWaiverIsToldAndStripped(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"of an object":     {"metadata: {name: a, annotations: {assay.dev/waiver-request: 'x/y: why'}}", "x/y: why"},
		"in a template":    {"metadata: {name: a}\nspec: {template: {metadata: {annotations: {assay.dev/waiver-request: 'x/y: why'}}}}", "x/y: why"},
		"the same twice":   {"metadata: {name: a, annotations: {assay.dev/waiver-request: 'x/y: why'}}\nspec: {template: {metadata: {annotations: {assay.dev/waiver-request: 'x/y: why'}}}}", "x/y: why"},
		"another of ours":  {"metadata: {name: a, annotations: {assay.dev/waive: 'x/y: why'}}", ""},
		"another's":        {"metadata: {name: a, annotations: {x.assay.dev/waiver-request: 'x/y: why'}}", ""},
		"a label":          {"metadata: {name: a, labels: {assay.dev/waiver-request: x}}", ""},
		"no text":          {"metadata: {name: a, annotations: {assay.dev/waiver-request: 7}}", ""},
		"longer than read": {"metadata: {name: a, annotations: {assay.dev/waiver-request: '" + strings.Repeat("é", 4000) + "'}}", strings.Repeat("é", 2000)},
	} {
		t.Run(name, func(t *testing.T) {
			rendering := mustRender(t, plugin.Source{Rendered: []byte("apiVersion: apps/v1\nkind: Deployment\n" + test.text + "\n")})
			got := ""
			for _, finding := range rendering.Findings {
				if finding.Rule == plugin.RuleWaiverRequested {
					got += finding.Message
					if finding.Object.Name != "a" || finding.Level != plugin.Info {
						t.Errorf("%+v", finding)
					}
				}
			}
			if got != test.want {
				t.Errorf("asks %q, want %q", got, test.want)
			}
			text, err := json.Marshal(rendering.Objects[0].Fields)
			if err != nil || strings.Contains(string(text), "annotations") {
				t.Errorf("left: %s, %v", text, err)
			}
		})
	}
}
