package argocd

import (
	"os"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// pluginFile is the configuration for argocd-cmp-server.
const pluginFile = "../../manifests/argocd/cmp-server/plugin.yaml"

const pluginHead = `# The configuration of the plugin under the stock argocd-cmp-server, which runs
# assay generate. The parameters are those that the code knows:
# go test ./plugin/argocd -run PluginFile -update
apiVersion: argoproj.io/v1alpha1
kind: ConfigManagementPlugin
metadata:
  name: assay # no spec.version, and no spec.discover: it is used by name
spec:
  generate:
    command: [assay, generate, --gate=/etc/assay/gate]
  parameters:
    static:
`

// TestPluginFile_AnnouncesWhatTheServerDoes.
func TestPluginFile_AnnouncesWhatTheServerDoes(t *testing.T) {
	type announced struct {
		Name           string `json:"name"`
		Title          string `json:"title"`
		Tooltip        string `json:"tooltip"`
		ItemType       string `json:"itemType"`
		CollectionType string `json:"collectionType"`
		String         string `json:"string,omitempty"`
	}
	var list []announced
	for _, each := range announcements() {
		list = append(list, announced{each.GetName(), each.GetTitle(), each.GetTooltip(), each.GetItemType(), each.GetCollectionType(), each.GetString_()})
	}
	text, err := yaml.Marshal(list)
	check(t, err)
	want := pluginHead
	for line := range strings.Lines(string(text)) {
		want += "      " + line
	}
	if *update {
		check(t, os.WriteFile(pluginFile, []byte(want), 0o644))
	}
	have, err := os.ReadFile(pluginFile)
	check(t, err)
	if string(have) != want {
		t.Errorf("%s is not what the code announces; write it anew with -update", pluginFile)
	}
	var read struct {
		Spec struct{ Parameters struct{ Static []announced } }
	}
	check(t, yaml.Unmarshal(have, &read))
	if len(read.Spec.Parameters.Static) != len(list) {
		t.Errorf("%d parameters are read of it, and there are %d", len(read.Spec.Parameters.Static), len(list))
	}
}
