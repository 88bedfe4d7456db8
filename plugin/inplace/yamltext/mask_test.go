package yamltext_test

import (
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin/inplace/yamltext"
)

// TestHideSecrets_WhereverOneStands: no spelling of a Secret shows a value, and
// what stands beside it is shown.
func TestHideSecrets_WhereverOneStands(t *testing.T) {
	for name, text := range map[string]string{
		"a document":           "kind: Secret\nstringData:\n  p: |\n    hunter2\n\n    more hunter2\n---\nshown: yes\n",
		"in quotes":            "\"kind\": 'Secret'\ndata: {p: hunter2}\n---\nshown: yes\n",
		"comments in it":       "# was hunter2\nkind: Secret # hunter2\ndata:\n  p: x\n  # hunter2\n# hunter2\n---\nshown: yes\n",
		"a comment in front":   "shown: yes\n---\n# hunter2\nkind: Secret\n",
		"behind a first mark":  "--- # hunter2\nkind: Secret\n---\nshown: yes\n",
		"a list":               "kind: List\nitems:\n- kind: Secret\n  data:\n    p: hunter2\n  # hunter2\n- {kind: ConfigMap, data: {shown: yes}}\n",
		"a list in braces":     "shown: yes\nkind: List\nitems: [{kind: Secret, data: {p: hunter2}},\n  {kind: Secret, data: {p: a\n hunter2}}]\n",
		"with items":           "kind: Secret\nitems: []\ndata: {p: hunter2}\n---\nshown: yes\n",
		"a kind twice":         "kind: ConfigMap\nkind: Secret\ndata: {p: hunter2}\n---\nshown: yes\n",
		"a kind by alias":      "a: &k Secret\nitems:\n- kind: *k\n  data: {p: hunter2}\n---\nshown: yes\n",
		"data by alias":        "a: &d\n  p: hunter2\nitems:\n- kind: Secret\n  data: *d\n---\nshown: yes\n",
		"merged":               "items:\n- &s {kind: Secret}\n- <<: *s\n  data:\n    p: hunter2\n---\nshown: yes\n",
		"a tag":                "!!map\nkind: !!str Secret\ndata: {p: hunter2}\n---\nshown: yes\n",
		"a generator":          "resources: [shown]\nsecretGenerator:\n- name: x\n  literals:\n  - p=hunter2\n  # hunter2\ncomponents: [a]\n",
		"a generator in a row": "resources: [shown]\nsecretGenerator: [{name: x, literals: [p=hunter2]}]\n",
		"a patch":              "resources: [shown]\npatches:\n- patch: |-\n    kind: Secret\n    data: {p: hunter2}\n- path: shown.yaml\n",
		"a patch, one line":    "resources: [shown]\npatches:\n- {patch: '{\"kind\": \"Secret\", \"data\": {\"p\": \"hunter2\"}}'}\n",
		"merge patches":        "resources: [shown]\npatchesStrategicMerge:\n- |\n  kind: Secret\n  data: {p: hunter2}\n",
	} {
		got := string(yamltext.HideSecrets([]byte(text)))
		if strings.Contains(got, "hunter2") || !strings.Contains(got, "shown") || strings.Count(got, "\n") != strings.Count(text, "\n") {
			t.Errorf("%s: shows\n%s", name, got)
		}
	}
	for name, text := range map[string]string{
		"twin: a ConfigMap":        "# hunter2\nkind: ConfigMap\ndata: {p: hunter2}\n",
		"twin: a Secret's name":    "kind: Deployment\nspec: {volumes: [{secret: {secretName: hunter2}}]}\n",
		"twin: a kind that is own": "kind: SealedSecret\nspec: {encryptedData: {p: hunter2}}\n",
		"twin: a reference to one": "kind: ExternalThing\nspec:\n  target: {kind: Secret, name: hunter2}\n",
		"twin: a generator":        "configMapGenerator: [{name: x, literals: [p=hunter2]}]\n",
	} {
		if got := string(yamltext.HideSecrets([]byte(text))); got != text {
			t.Errorf("%s: shows\n%s", name, got)
		}
	}
}
