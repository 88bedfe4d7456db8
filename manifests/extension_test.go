package manifests_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
)

const extension = "argocd/extension"

// called is the object of a kind and name; a name that ends in "-" begins so.
func called(t *testing.T, objects []plugin.Object, kind, name string) plugin.Object {
	t.Helper()
	at := slices.IndexFunc(objects, func(o plugin.Object) bool {
		id := o.ID()
		return id.Kind == kind && (id.Name == name || strings.HasSuffix(name, "-") && strings.HasPrefix(id.Name, name))
	})
	if at < 0 {
		t.Fatalf("there is no %s %s", kind, name)
	}
	return objects[at]
}

// The file is built from the sources beside it: ui/build.mjs writes their hash
// into it, which is reckoned here in the same way. make e2e-ui compares every
// byte.
func TestExtension_IsBuiltFromItsSources(t *testing.T) {
	const ui = "../ui"
	files := []string{"build.mjs", "package-lock.json", "package.json", "tsconfig.json"}
	err := fs.WalkDir(os.DirFS(ui), "src", func(file string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			files = append(files, file)
		}
		return err
	})
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	slices.Sort(files)
	whole := sha256.New()
	for _, file := range files {
		sum := sha256.Sum256([]byte(read(t, filepath.Join(ui, filepath.FromSlash(file)))))
		fmt.Fprintf(whole, "%x  %s\n", sum, file)
	}
	first, _, _ := strings.Cut(read(t, path.Join(extension, "extension-assay.js")), "\n")
	if want := "sources sha256:" + hex.EncodeToString(whole.Sum(nil)); !strings.Contains(first, want) {
		t.Errorf("it begins with %q, and its %s: make ui builds it", first, want)
	}
}

// A ConfigMap holds at most 1 MiB, and argocd-server serves files of such names
// alone.
func TestExtension_FitsWhereItIsKept(t *testing.T) {
	objects := build(t, "testdata/extension")
	files, _ := called(t, objects, "ConfigMap", "assay-extension-").Fields["data"].(map[string]any)
	script, _ := files["extension-assay.js"].(string)
	if len(files) != 1 || len(script) < 10_000 || len(script) > 200_000 {
		t.Errorf("%d files, %d bytes", len(files), len(script))
	}
}

func TestExtension_IsMountedWhereArgoCDLooks(t *testing.T) {
	objects := build(t, "testdata/extension")
	spec, _ := at(called(t, objects, "Deployment", "argocd-server").Fields, "spec", "template", "spec").(map[string]any)
	mount := named(t, named(t, spec["containers"], "argocd-server")["volumeMounts"], "assay-extension")
	if mount["mountPath"] != "/tmp/extensions/assay" || mount["readOnly"] != true {
		t.Errorf("%v", mount)
	}
	volume := named(t, spec["volumes"], "assay-extension")
	if got, want := at(volume, "configMap", "name"), called(t, objects, "ConfigMap", "assay-extension-").ID().Name; got != want {
		t.Errorf("argocd-server mounts %v, the ConfigMap is %s", got, want)
	}
	named(t, spec["volumes"], "tmp") // Argo CD's own stays
}

func TestExtension_IsConfiguredBesideWhatIsThere(t *testing.T) {
	objects := build(t, "testdata/extension")
	data := func(name string) map[string]any {
		values, _ := called(t, objects, "ConfigMap", name).Fields["data"].(map[string]any)
		return values
	}
	if data("argocd-cm")["url"] != "https://cd.example.com" || data("argocd-rbac-cm")["policy.csv"] != "g, team-a, role:readonly\n" {
		t.Error("what was configured is gone")
	}
	if data("argocd-cmd-params-cm")["server.enable.proxy.extension"] != "true" {
		t.Error("proxy extensions are off")
	}
	var backend struct {
		ConnectionTimeout string
		Services          []struct {
			URL     string
			Headers []struct{ Name, Value string }
		}
	}
	if err := yaml.UnmarshalStrict([]byte(data("argocd-cm")["extension.config.assay"].(string)), &backend); err != nil {
		t.Fatal(err)
	}
	// A value that is a reference in part would be sent as it is written.
	if header := backend.Services[0].Headers[0]; header.Name != "Authorization" || header.Value != "$assay-extension:authorization" {
		t.Errorf("%v", header)
	}
	service := called(t, objects, "Service", "assay-reports")
	ports, _ := at(service.Fields, "spec", "ports").([]any)
	port, _ := ports[0].(map[string]any)
	if want := fmt.Sprintf("http://%s:%v", service.ID().Name, port["port"]); backend.Services[0].URL != want {
		t.Errorf("argocd-server asks %s, the Service is %s", backend.Services[0].URL, want)
	}
}

// What the Service leads to is what the NetworkPolicy opens, for argocd-server
// and the other replicas, and for nobody else.
func TestExtension_TheNetworkOpensToArgoCDAlone(t *testing.T) {
	objects := build(t, "testdata/extension")
	service := called(t, objects, "Service", "assay-reports")
	policy := called(t, objects, "NetworkPolicy", "argocd-repo-server-assay-reports")
	if !reflect.DeepEqual(at(service.Fields, "spec", "selector"), at(policy.Fields, "spec", "podSelector", "matchLabels")) {
		t.Error("the Service and the NetworkPolicy choose different Pods")
	}
	ingress, _ := at(policy.Fields, "spec", "ingress").([]any)
	if len(ingress) != 1 {
		t.Fatalf("%d rules", len(ingress))
	}
	rule, _ := ingress[0].(map[string]any)
	from, _ := rule["from"].([]any)
	ports, _ := rule["ports"].([]any)
	if len(from) != 1 || len(ports) != 1 {
		t.Fatalf("%v", rule)
	}
	expressions, _ := at(from[0].(map[string]any), "podSelector", "matchExpressions").([]any)
	if values := at(expressions[0].(map[string]any), "values"); !reflect.DeepEqual(values, []any{"argocd-server", "argocd-repo-server"}) {
		t.Errorf("open to %v", values)
	}
}

func TestExtension_TheChartsValuesAreTheComponent(t *testing.T) {
	var values map[string]any
	decode(t, extension+"/helm-values.yaml", &values)
	file := func(name string) map[string]any {
		var fields map[string]any
		decode(t, path.Join(extension, name), &fields)
		return fields
	}
	pod, _ := at(file("argocd-server.yaml"), "spec", "template", "spec").(map[string]any)
	for name, pair := range map[string][2]any{
		"argocd-cm":            {at(values, "configs", "cm"), file("argocd-cm.yaml")["data"]},
		"argocd-cmd-params-cm": {at(values, "configs", "params"), file("argocd-cmd-params-cm.yaml")["data"]},
		"argocd-rbac-cm":       {at(values, "configs", "rbac"), file("argocd-rbac-cm.yaml")["data"]},
		"mounts":               {at(values, "server", "volumeMounts"), named(t, pod["containers"], "argocd-server")["volumeMounts"]},
		"volumes":              {at(values, "server", "volumes"), pod["volumes"]},
	} {
		if pair[0] == nil || !reflect.DeepEqual(pair[0], pair[1]) {
			t.Errorf("%s: the values have %v, the component has %v", name, pair[0], pair[1])
		}
	}
}

// argocd-server is given no token that opens more than one Application at a time.
func TestExtension_TheTokenIsNotTheOneThatOpensEverything(t *testing.T) {
	objects := build(t, "testdata/extension")
	config, _ := at(called(t, objects, "ConfigMap", "argocd-cm").Fields, "data", "extension.config.assay").(string)
	pod, _ := at(called(t, objects, "Deployment", "argocd-repo-server").Fields, "spec", "template", "spec").(map[string]any)
	secret := at(named(t, pod["volumes"], "assay-extension"), "secret", "secretName")
	sidecar := named(t, pod["containers"], "assay")
	place, _ := named(t, sidecar["volumeMounts"], "assay-extension")["mountPath"].(string)
	args, _ := sidecar["args"].([]any)
	if !slices.Contains(args, any("--reports-extension-token="+place+"/token")) || !slices.Contains(args, any("--reports-token=/etc/assay/reports/token")) {
		t.Errorf("%v", args)
	}
	if !strings.Contains(config, fmt.Sprintf("$%v:authorization", secret)) || secret == at(named(t, pod["volumes"], "assay-reports"), "secret", "secretName") {
		t.Errorf("argocd-server sends %s, the sidecar compares with %v", config, secret)
	}
}

// What the extension brings passes the gate that assay brings.
func TestExtension_PassesTheGate(t *testing.T) {
	for _, finding := range judge(t, build(t, "testdata/extension")) {
		if finding.Object.Name == "argocd-server" && !strings.Contains(finding.Message+finding.Field, "assay") {
			continue // the smallest Argo CD is not hardened
		}
		t.Errorf("%s: %s %s: %s", finding.Rule, finding.Object, finding.Field, finding.Message)
	}
}
