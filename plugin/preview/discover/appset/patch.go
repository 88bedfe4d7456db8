package appset

import (
	"encoding/json"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"sigs.k8s.io/yaml"
)

// applyPatch puts a strategic merge patch over an Application. It cannot change
// the project: a tenant's patch would otherwise leave it.
func applyPatch(made application, patch string) (application, error) {
	text := []byte(patch)
	if !strings.HasPrefix(strings.TrimSpace(patch), "{") {
		converted, err := yaml.YAMLToJSON(text)
		if err != nil {
			return application{}, fmt.Errorf("reading it as YAML: %w", err)
		}
		text = converted
	}
	if err := json.Unmarshal(text, &application{}); err != nil {
		return application{}, typeMismatch(err)
	}
	original, err := json.Marshal(made)
	if err != nil {
		return application{}, fmt.Errorf("writing JSON: %w", err)
	}
	patched, err := strategicpatch.StrategicMergePatch(original, text, application{})
	if err != nil {
		return application{}, fmt.Errorf("applying it: %w", err)
	}
	var after application
	if err := json.Unmarshal(patched, &after); err != nil {
		return application{}, typeMismatch(err)
	}
	after.Spec.Project = made.Spec.Project
	return after, nil
}
