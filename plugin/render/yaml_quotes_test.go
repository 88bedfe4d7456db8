package render

import (
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

// A password that begins with an asterisk, or has a tag, is broken YAML.
func TestYAML_ABrokenDocumentIsNotQuoted(t *testing.T) {
	for value, says := range map[string]string{"*hunter2": "unknown anchor", "!!int hunter2": "cannot decode !!str a value as a !!int", "hunter2: x": "mapping values"} {
		_, err := decodeYAML([]byte(quotedSecret+"stringData:\n  password: "+value+"\n"), plugin.DefaultLimits(), plugin.Origin{})
		if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", value, err)
		}
	}
}
