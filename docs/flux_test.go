package docs_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/flux/v1alpha1"
	"github.com/assay-gitops/assay/plugin/render"
)

const fluxPage = "flux.md"

// TestFlux_EveryDocumentIsWhatItsKindTakes reads the page's GatedSources
// strictly, and what consumes them.
func TestFlux_EveryDocumentIsWhatItsKindTakes(t *testing.T) {
	gated, consumed, alerts := 0, 0, 0
	for _, block := range blocks(t, fluxPage) {
		for document := range strings.SplitSeq(block, "---\n") {
			var head struct{ Kind, APIVersion string }
			if err := yaml.Unmarshal([]byte(document), &head); err != nil {
				t.Fatal(err)
			}
			switch head.Kind {
			case "GatedSource":
				var object v1alpha1.GatedSource
				if err := yaml.UnmarshalStrict([]byte(document), &object); err != nil {
					t.Error(err)
				}
				gated++
			case "Kustomization":
				if strings.HasPrefix(head.APIVersion, "kustomize.config") {
					continue
				}
				var object kustomizev1.Kustomization
				if err := yaml.UnmarshalStrict([]byte(document), &object); err != nil {
					t.Error(err)
				}
				if object.Spec.SourceRef.Kind != "ExternalArtifact" || !strings.HasPrefix(object.Spec.SourceRef.Name, v1alpha1.ArtifactPrefix) {
					t.Errorf("%+v", object.Spec.SourceRef)
				}
				consumed++
			case "Alert":
				alerts++
				alert(t, document)
			}
		}
	}
	if gated != 2 || consumed != 1 || alerts != 1 {
		t.Errorf("%d GatedSources, %d Kustomizations and %d Alerts were read", gated, consumed, alerts)
	}
}

// alert fails on names that notification-controller takes for no event: it
// knows whole names, and "*" alone.
func alert(t *testing.T, document string) {
	t.Helper()
	var object struct {
		Spec struct {
			EventSources []struct{ Kind, Name string }
		}
	}
	if err := yaml.Unmarshal([]byte(document), &object); err != nil || len(object.Spec.EventSources) == 0 {
		t.Errorf("%v %+v", err, object)
	}
	for _, source := range object.Spec.EventSources {
		if source.Name != "*" && strings.Contains(source.Name, "*") {
			t.Errorf("an Alert about %s %s tells of nothing", source.Kind, source.Name)
		}
	}
}

// TestFlux_TheKustomizationsBuild builds the page's installations once what
// they take from elsewhere lies beside them.
func TestFlux_TheKustomizationsBuild(t *testing.T) {
	tree := t.TempDir()
	if err := os.CopyFS(tree, os.DirFS("../manifests")); err != nil {
		t.Fatal(err)
	}
	beside, err := os.ReadFile("../manifests/flux/flux-system/allow-assay-source.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"page/gate/gate.yaml": "", "page/gate/trust.yaml": "", "page/gotk-sync.yaml": "", "page/allow-assay-source.yaml": string(beside), "page/reader.yaml": blockOf(t, fluxPage, "# reader.yaml"),
		"page/gotk-components.yaml": controllerOf("kustomize") + "---\n" + controllerOf("helm"),
	} {
		write(t, filepath.Join(tree, filepath.FromSlash(name)), text)
	}
	built := 0
	for _, block := range blocks(t, fluxPage) {
		if !strings.Contains(block, "kustomize.config.k8s.io") {
			continue
		}
		write(t, filepath.Join(tree, "page", "kustomization.yaml"), strings.NewReplacer(
			"https://github.com/assay-gitops/assay//manifests/", "../", "?ref=main", "").Replace(block))
		root, err := os.OpenRoot(tree)
		if err != nil {
			t.Fatal(err)
		}
		rendering, err := render.New(render.Options{Limits: plugin.DefaultLimits()}).Render(t.Context(), plugin.Source{Root: root, Path: "page"})
		if err != nil {
			t.Errorf("%v\n%s", err, block)
		}
		for _, object := range rendering.Objects {
			if object.ID().Kind == "Deployment" && strings.HasSuffix(object.ID().Name, "-controller") && !strings.Contains(string(marshal(t, object.Fields)), "ExternalArtifact=true") {
				t.Errorf("%s has no feature gate", object.ID().Name)
			}
		}
		_ = root.Close()
		built++
	}
	if built != 3 {
		t.Errorf("%d kustomizations were built", built)
	}
}

func marshal(t *testing.T, value any) []byte {
	t.Helper()
	data, err := yaml.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// controllerOf stands for one of Flux's Deployments.
func controllerOf(name string) string {
	return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: " + name + "-controller, namespace: flux-system}\n" +
		"spec: {template: {spec: {containers: [{name: manager, args: [--watch-all-namespaces=true]}]}}}\n"
}

// TestFlux_EveryReasonIsOnThePage keeps the table beside the code.
func TestFlux_EveryReasonIsOnThePage(t *testing.T) {
	source, err := os.ReadFile("../plugin/flux/trouble.go")
	if err != nil {
		t.Fatal(err)
	}
	page := readPage(t, fluxPage)
	var reasons []string
	for line := range strings.Lines(string(source)) {
		if _, quoted, found := strings.Cut(line, `= "`); found && strings.Contains(line, "reason") {
			reasons = append(reasons, strings.TrimRight(quoted, "\"\n"))
		}
	}
	if len(reasons) < 6 || !slices.Contains(reasons, "Undetermined") {
		t.Fatalf("%v", reasons)
	}
	for _, reason := range reasons {
		if !strings.Contains(page, "`"+reason+"`") {
			t.Errorf("the page does not say what %s means", reason)
		}
	}
}
