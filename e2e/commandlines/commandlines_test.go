package commandlines_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/e2e/commandlines"
)

func TestBuild_AProgramWithoutAModule_IsAnError(t *testing.T) {
	if path, err := commandlines.Build(t.Context(), "none"); err == nil {
		t.Fatalf("it was built into %s", path)
	}
}

func TestVersions_AreThoseThatTheDocsName(t *testing.T) {
	parity := read(t, "../../docs/parity.md")
	named := "kustomize, Helm | " + version(t, commandlines.Kustomize, "sigs.k8s.io/kustomize/kustomize/v5") + ", " + version(t, commandlines.Helm, "helm.sh/helm/v4") + ","
	if !strings.Contains(parity, named) {
		t.Errorf("docs/parity.md does not say %q", named)
	}
}

func version(t *testing.T, program, module string) string {
	t.Helper()
	required := regexp.MustCompile(regexp.QuoteMeta(module) + ` (v\S+)`).FindStringSubmatch(read(t, program+"/go.mod"))
	if required == nil {
		t.Fatalf("%s/go.mod does not require %s", program, module)
	}
	return required[1]
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
