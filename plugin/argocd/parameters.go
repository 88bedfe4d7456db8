package argocd

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/render"
)

// readParameters applies ARGOCD_APP_PARAMETERS, a JSON array or null.
func readParameters(data string, environment *render.ArgoEnvironment, into *plugin.Parameters) error {
	if strings.TrimSpace(data) == "" {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader([]byte(data)))
	decoder.DisallowUnknownFields()
	var list []render.ArgoPluginParameter
	if err := decoder.Decode(&list); err != nil {
		return &plugin.Refusal{
			Rule: render.RuleArgoParameter, Message: "reading the plugin parameters (ARGOCD_APP_PARAMETERS)", Cause: err,
			Hint: "each parameter has a name and one of string, array and map",
		}
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return badRequest("something follows the plugin parameters", "it would be passed over in silence")
	}
	if err := spelledExactly(data); err != nil {
		return err
	}
	return render.ReadArgoParameters(list, environment, into) //nolint:wrapcheck // each is a refusal of its own
}

// spelledExactly refuses what the reader of JSON takes for a member's name in
// spite of its capitals.
func spelledExactly(data string) error {
	var list []map[string]json.RawMessage
	if err := json.Unmarshal([]byte(data), &list); err != nil {
		return badRequest("the plugin parameters are no list of objects", "")
	}
	for _, object := range list {
		for name := range object {
			if !slices.Contains([]string{"name", "string", "array", "map"}, name) {
				return render.RefuseArgoParameter(name, "is no member of a parameter", "each parameter has a name and one of string, array and map")
			}
		}
	}
	return nil
}
