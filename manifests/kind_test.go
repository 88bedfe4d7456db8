package manifests_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/render"
)

// kindFolder is what make e2e-kind applies. It needs Docker, so what can be
// read of it without is tested here.
const kindFolder = "../e2e/kind"

// upstream is the installation of Argo CD that it fetches.
var upstream = regexp.MustCompile(`https://raw\.githubusercontent\.com/argoproj/argo-cd/(v[0-9.]+)/manifests/install\.yaml`)

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestKind_InstallsTheArgoCDOfTheEndToEndTests(t *testing.T) {
	installed := upstream.FindStringSubmatch(read(t, filepath.Join(kindFolder, "kustomization.yaml")))
	if installed == nil {
		t.Fatal("it installs no Argo CD")
	}
	if want := "github.com/argoproj/argo-cd/v3 " + installed[1] + "\n"; !strings.Contains(read(t, "../e2e/servers/argocd/go.mod"), want) {
		t.Errorf("it installs Argo CD %s, which is not that of e2e/servers/argocd", installed[1])
	}
}

// TestKind_TheInstallationRenders has the smallest Argo CD stand for the one
// that is fetched.
func TestKind_TheInstallationRenders(t *testing.T) {
	dir := t.TempDir()
	for to, from := range map[string]string{"e2e/kind": kindFolder, "manifests/argocd": "argocd", "manifests/testdata": "testdata"} {
		if err := os.CopyFS(filepath.Join(dir, filepath.FromSlash(to)), os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "e2e", "kind", "kustomization.yaml")
	text := upstream.ReplaceAllString(read(t, file), "../../manifests/testdata/repo-server")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	rendering, err := render.New(render.Options{Limits: plugin.DefaultLimits()}).Render(t.Context(), plugin.Source{Root: root, Path: "e2e/kind"})
	if err != nil {
		t.Fatal(err)
	}
	sidecar := named(t, podSpec(t, rendering.Objects)["containers"], "assay")
	loaded := "kind.local/assay:e2e"
	if sidecar["image"] != loaded {
		t.Errorf("the sidecar's image is %v; %s is loaded", sidecar["image"], loaded)
	}
	if script := read(t, filepath.Join(kindFolder, "run")); !strings.Contains(script, "KO_DOCKER_REPO=kind.local ko build --base-import-paths --tags e2e ") {
		t.Errorf("the script does not load %s", loaded)
	}
	// A volume names the ConfigMap of manifests/argocd/gate.yaml as it is.
	var configMap map[string]any
	decode(t, "argocd/gate.yaml", &configMap)
	if mounted := at(named(t, podSpec(t, rendering.Objects)["volumes"], "assay-gate"), "configMap", "name"); mounted != at(configMap, "metadata", "name") {
		t.Errorf("the sidecar mounts %v, the ConfigMap is %v", mounted, at(configMap, "metadata"))
	}
}
