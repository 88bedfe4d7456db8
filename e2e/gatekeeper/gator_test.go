//go:build e2e

// Package gatekeeper_test compares assay's answers to Gatekeeper's templates and
// constraints with those of gator, Gatekeeper's own command line, on the files
// of Gatekeeper's own tests.
package gatekeeper_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	kjson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/e2e/corpus"
	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/policy"
)

// The release whose files are read, the one that gator is built from
// (e2e/bench/peers), and the checksum of its module.
const (
	release = "github.com/open-policy-agent/gatekeeper/v3@v3.23.1"
	sum     = "h1:njHTm0SJ6ZEhhEgmQTpJKTGQbc99fSs4hGiEp1OIKck="
)

// object is one document of Gatekeeper's tests.
type object struct{ corpus.Document }

func (o object) id() string {
	return o.Text("apiVersion") + " " + o.Kind() + " " + o.Text("metadata", "namespace") + "/" + o.Text("metadata", "name")
}

// Every constraint of Gatekeeper's tests says of every object of them what gator
// says: the same violations, with the same messages.
func TestGatekeeper_GatorAgrees(t *testing.T) {
	gator := os.Getenv("GATOR")
	if gator == "" {
		t.Fatal("GATOR is not set to the command line of Gatekeeper; run make e2e-gatekeeper, which builds it")
	}
	templates, constraints, objects := files(t)
	compared, refused := 0, 0
	open := differences()
	for _, constraint := range constraints {
		for _, template := range templates[constraint.Kind()] {
			name := filepath.Base(template.File) + " " + filepath.Base(constraint.File)
			ours, err := judge(t, template, constraint, objects)
			theirs, ran := asked(t, gator, template, constraint, objects)
			switch {
			case err != nil && !ran:
				refused++
			case err != nil:
				if !known(open, template, constraint) {
					t.Errorf("%s: assay alone refuses it: %v", name, err)
				}
			case !ran:
				t.Errorf("%s: gator alone refuses it", name)
			default:
				compared++
				if !slices.Equal(ours, theirs) && !known(open, template, constraint) {
					t.Errorf("%s:\nassay\n  %s\ngator\n  %s", name, strings.Join(ours, "\n  "), strings.Join(theirs, "\n  "))
				}
			}
		}
	}
	t.Logf("%d constraints over %d objects are compared, %d are refused by both", compared, len(objects), refused)
	for file, seen := range open {
		if !seen {
			t.Errorf("%s is listed as a difference, and there is none", file)
		}
	}
	if compared < 20 {
		t.Errorf("%d constraints were compared, want at least 20: the files are not where they were", compared)
	}
}

// differences are the files of which the answers differ for a reason that
// docs/parity.md gives under Gatekeeper.
func differences() map[string]bool {
	return map[string]bool{
		"use_http_send_template.yaml":               false, // the network: refused when loaded
		"foo.yaml":                                  false, // an unknown enforcementAction: refused, as by Gatekeeper's webhook
		"k8srequiredlabels_template_vap.yaml":       false, // reads oldObject: an update is not decided
		"k8snamespacelabelcheck_template_cel.yaml":  false, // gator gives no namespaceObject; the gate gives its name and labels
		"k8snamespacelabelcheck_template_rego.yaml": false, // the same
		"k8suniqueserviceselector_template.yaml":    false, // a function that fails is told
	}
}

// known reports whether a file of the two is listed, and remembers that.
func known(open map[string]bool, files ...object) bool {
	found := false
	for _, each := range files {
		name := filepath.Base(each.File)
		if _, listed := open[name]; listed {
			open[name], found = true, true
		}
	}
	return found
}

// files reads the tests' files: templates by the kind of their constraints,
// constraints, and everything else that is an object of the cluster.
func files(t *testing.T) (templates map[string][]object, constraints, objects []object) {
	t.Helper()
	root, err := corpus.Module(t.Context(), release, sum)
	if err != nil {
		t.Fatal(err)
	}
	templates = map[string][]object{}
	seen := map[string]bool{}
	for _, folder := range []string{"test/bats/tests", "test/gator", "demo", "example"} {
		for _, each := range read(t, filepath.Join(root, folder)) {
			version := each.Text("apiVersion")
			switch {
			case each.Kind() == "ConstraintTemplate":
				kind := each.Text("spec", "crd", "spec", "names", "kind")
				if spec := fmt.Sprint(kind, each.Fields["spec"]); !seen[spec] {
					seen[spec] = true
					templates[kind] = append(templates[kind], each)
				}
			case strings.HasPrefix(version, "constraints.gatekeeper.sh/"):
				constraints = append(constraints, each)
			case slices.Contains([]string{"v1", "apps/v1", "networking.k8s.io/v1"}, version) && !seen[placed(each).id()]:
				seen[each.id()] = true
				objects = append(objects, each)
			}
		}
	}
	for _, each := range objects {
		namespace := object{corpus.Document{Fields: map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": each.Text("metadata", "namespace")}}}}
		if each.Text("metadata", "namespace") != "" && !seen[namespace.id()] {
			seen[namespace.id()] = true
			objects = append(objects, namespace)
		}
	}
	return templates, constraints, objects
}

// placed puts an object that names no namespace into one: gator would take it
// for cluster-scoped.
func placed(o object) object {
	metadata, _ := o.Fields["metadata"].(map[string]any)
	if metadata != nil && o.Kind() != "Namespace" && o.Text("metadata", "namespace") == "" {
		metadata["namespace"] = "default"
	}
	return o
}

// read is every document below a folder.
func read(t *testing.T, folder string) []object {
	t.Helper()
	var out []object
	err := filepath.WalkDir(folder, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !slices.Contains([]string{".yaml", ".yml"}, filepath.Ext(file)) {
			return err
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for _, document := range bytes.Split(text, []byte("\n---")) {
			encoded, err := yaml.YAMLToJSON(document)
			var fields map[string]any
			if err != nil || kjson.Unmarshal(encoded, &fields) != nil || fields["kind"] == nil {
				continue // some of the tests' files are broken on purpose
			}
			out = append(out, object{corpus.Document{Fields: fields, File: file}})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// judge is what assay says: "constraint object: message", sorted.
func judge(t *testing.T, template, constraint object, objects []object) ([]string, error) {
	t.Helper()
	config := policy.Config{Gate: gate.Gate{Metadata: gate.Metadata{Name: "gator"}, Spec: gate.Spec{
		Judge: gate.Judge{TrustObjectLabels: true, InventoryComplete: true},
	}}}
	for _, each := range []object{template, constraint} {
		encoded, err := json.Marshal(each.Fields)
		if err != nil {
			t.Fatal(err)
		}
		config.Documents = append(config.Documents, gate.Document{
			APIVersion: each.Text("apiVersion"), Kind: each.Kind(), Name: each.Text("metadata", "name"), JSON: encoded, At: plugin.Origin{File: each.File, Line: 1},
		})
	}
	sealed := plugin.Sealed{At: time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)}
	for _, each := range objects {
		sealed.Objects = append(sealed.Objects, plugin.Object{Fields: each.Fields})
		if each.Kind() == "Namespace" {
			labels := map[string]string{}
			metadata, _ := each.Fields["metadata"].(map[string]any)
			written, _ := metadata["labels"].(map[string]any)
			for key, value := range written {
				labels[key] = fmt.Sprint(value)
			}
			config.Gate.Spec.Namespaces = append(config.Gate.Spec.Namespaces, gate.Namespace{Name: each.Text("metadata", "name"), Labels: labels})
		}
	}
	compiled, err := policy.NewCompiler().Compile(config)
	if err != nil {
		return nil, err
	}
	var said []string
	for _, each := range compiled.Judges {
		for _, finding := range each.Judge(t.Context(), sealed) {
			// gator asks neither about the Pods that a workload makes, nor does it say
			// that it sees the given objects alone.
			if !strings.HasPrefix(finding.Rule, "policy/") || finding.Object.IsZero() || strings.HasSuffix(finding.Field, "template") {
				continue
			}
			said = append(said, strings.TrimPrefix(finding.Rule, "policy/")+" "+finding.Object.Kind+" "+finding.Object.Name+": "+short(finding.Message))
		}
	}
	slices.Sort(said)
	return said, nil
}

// short is a message in one line. One of the templates writes everything that
// it sees, which is bounded here.
func short(message string) string {
	message = strings.Join(strings.Fields(message), " ")
	return message[:min(len(message), 200)]
}

// asked is what gator says, in the same form; ran is false when it refuses the
// files.
func asked(t *testing.T, gator string, template, constraint object, objects []object) (said []string, ran bool) {
	t.Helper()
	folder := t.TempDir()
	for i, each := range append([]object{template, constraint}, objects...) {
		encoded, err := yaml.Marshal(each.Fields)
		if err != nil {
			t.Fatal(err)
		}
		encoded = bytes.ReplaceAll(encoded, []byte("validation.gatekeeper.sh"), []byte("gator.gatekeeper.sh")) // gator is a point of its own
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%03d.yaml", i)), encoded, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.CommandContext(t.Context(), gator, "test", "--filename", folder, "--output", "json").Output()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	var results []struct {
		Msg             string `json:"msg"`
		ViolatingObject struct {
			Kind     string
			Metadata struct{ Name string }
		} `json:"violatingObject"`
	}
	if len(bytes.TrimSpace(out)) > 0 && json.Unmarshal(out, &results) != nil {
		return nil, false
	}
	if err != nil && len(results) == 0 {
		return nil, false
	}
	for _, result := range results {
		said = append(said, constraint.Kind()+"/"+constraint.Text("metadata", "name")+" "+result.ViolatingObject.Kind+" "+result.ViolatingObject.Metadata.Name+": "+short(result.Msg))
	}
	slices.Sort(said)
	return said, true
}
