package docs_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/render"
)

// TestReports_TheComponentGivesTheTokenToAssayAlone builds the component on top
// of the sidecar.
func TestReports_TheComponentGivesTheTokenToAssayAlone(t *testing.T) {
	tree := t.TempDir()
	if err := os.CopyFS(tree, os.DirFS("../manifests")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(tree, "page", "kustomization.yaml"), "namespace: argocd\nresources: [../testdata/repo-server]\ncomponents: [../argocd/sidecar, ../argocd/api-token, ../argocd/policy-reports]\n")
	root, err := os.OpenRoot(tree)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = root.Close() }()
	rendering, err := render.New(render.Options{Limits: plugin.DefaultLimits()}).Render(t.Context(), plugin.Source{Root: root, Path: "page"})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, object := range rendering.Objects {
		seen[object.ID().Kind] = true
		if object.ID().Kind == "Deployment" {
			checkToken(t, object)
		}
	}
	if !seen["ClusterRole"] || !seen["ClusterRoleBinding"] || !seen["Deployment"] {
		t.Errorf("built %v", seen)
	}
}

func checkToken(t *testing.T, object plugin.Object) {
	t.Helper()
	var deployment struct {
		Spec struct {
			Template struct {
				Spec struct {
					AutomountServiceAccountToken *bool
					Containers                   []json.RawMessage
				}
			}
		}
	}
	text, err := json.Marshal(object.Fields)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &deployment); err != nil {
		t.Fatal(err)
	}
	pod := deployment.Spec.Template.Spec
	if pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken {
		t.Error("every container gets the token")
	}
	for i, container := range pod.Containers {
		assay := strings.Contains(string(container), `"name":"assay"`)
		if mounted := strings.Contains(string(container), "serviceaccount"); mounted != assay || assay != strings.Contains(string(container), "--policy-report=policyreport") {
			t.Errorf("container %d: %s", i, container)
		}
	}
}
