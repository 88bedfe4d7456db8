package render

import (
	"os"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

// fluxDifference is a row of docs/parity.md: what kustomize-controller's
// packages render and we do not, or the other way round.
type fluxDifference struct {
	row        string
	tree       fluxTree
	parameters plugin.FluxParameters
	// objects are how many the controller applies; failing when it applies none.
	objects int
	failing bool
	// rule is ours, of a refusal or a finding that denies; empty when we render
	// without a word.
	rule string
}

func fluxDifferences() []fluxDifference {
	tree := func(files map[string]string) fluxTree { return fluxTree{path: "app", files: files} }
	one := map[string]string{"app/a.yaml": goodConfigMap}
	return []fluxDifference{
		{row: "a folder without an object is refused", tree: tree(map[string]string{"app/README.md": "none"}), rule: ruleEmpty},
		{row: "an image with a variable that nothing fills in is denied", tree: tree(map[string]string{"app/a.yaml": fluxPod}), objects: 1, rule: ruleUnresolved},
		{row: "an image with nothing in the place of a variable is denied", tree: tree(map[string]string{"app/a.yaml": fluxPod}), parameters: substituting(map[string]string{"OTHER": "x"}), objects: 1, rule: ruleUnresolved},
		{row: "ciphertext elsewhere than in a Secret's data is denied", tree: tree(map[string]string{"app/a.yaml": strings.Replace(fluxPod, "registry.example.com/${TAG}/web:1", ciphertext, 1)}), objects: 1, rule: ruleEncrypted},
		{row: "a component out of the tree is refused also where missing ones are ignored", tree: tree(one), parameters: plugin.FluxParameters{Components: []string{"../../x"}, IgnoreMissingComponents: true}, objects: 1, rule: ruleEscape},
		{row: "an object that the consumer would leave out is denied", tree: tree(one), parameters: plugin.FluxParameters{CommonMetadata: plugin.FluxMetadata{Annotations: map[string]string{"config.kubernetes.io/local-config": "true"}}}, objects: 1, rule: ruleNotSupported},
		{row: "an object with an empty list of items is refused", tree: tree(map[string]string{"app/a.yaml": goodConfigMap, "app/b.yaml": "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: t}\nitems: []\n"}), objects: 1, rule: ruleNotAnObject},
		{row: "an object of which a value's quote swallows the kind is refused", tree: tree(map[string]string{"app/a.yaml": goodConfigMap + "  labels: {l: '${A}'}\ndata: {k: '${A}'}\n"}), parameters: substituting(map[string]string{"A": "'"}), rule: ruleNotAnObject},
		{row: "the lock file is left out", tree: tree(map[string]string{"app/a.yaml": goodConfigMap, "app/" + plugin.LockFile: "version: 1\n"}), failing: true},
	}
}

func TestFlux_DiffersWhereItIsListed(t *testing.T) {
	page, err := os.ReadFile("../../docs/parity.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, difference := range fluxDifferences() {
		t.Run(difference.row, func(t *testing.T) {
			if !strings.Contains(string(page), "| "+difference.row+" |") {
				t.Error("docs/parity.md has no such row")
			}
			want, err := fluxOracle(t, difference.tree, difference.parameters)
			if (err != nil) != difference.failing || len(want) != difference.objects {
				t.Errorf("the controller has %d objects and says %v", len(want), err)
			}
			rendering, err := renderedAsFlux(t, difference.tree, difference.parameters)
			if difference.rule == "" && (err != nil || len(rendering.Findings) > 0) {
				t.Errorf("we say %v, %v", err, rendering.Findings)
			}
			if difference.rule != "" && !denies(rendering.Findings, difference.rule) {
				refused(t, err, difference.rule, "")
			}
		})
	}
}

func denies(findings []plugin.Finding, rule string) bool {
	for _, finding := range findings {
		if finding.Rule == rule && finding.Level == plugin.Deny {
			return true
		}
	}
	return false
}
