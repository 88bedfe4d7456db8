//go:build e2e

// Package kyverno_test compares assay's answers to Kyverno's ValidatingPolicies
// with those that Kyverno's own tests expect.
package kyverno_test

import (
	"encoding/json"
	"fmt"
	"os"
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

// The release whose tests are read, and the checksum of its module.
const (
	release = "github.com/kyverno/kyverno@v1.19.1"
	sum     = "h1:/MkgFii3/VlQfKR1JpC9tVwNNVNQTt2S4U6qCsafsTU="
)

// Every answer that Kyverno's own tests expect of a ValidatingPolicy is assay's
// too, or docs/parity.md says why not.
func TestKyverno_ItsOwnTestsAgree(t *testing.T) {
	module, err := corpus.Module(t.Context(), release, sum)
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(module, "test")
	tally := newTally()
	walkCLI(t, tally, root)
	walkConformance(t, tally, filepath.Join(root, "conformance", "chainsaw"))
	tally.report(t)
}

// object is one document of a file.
type object struct {
	corpus.Document
	raw []byte
}

func (o object) name() string { return o.Text("metadata", "name") }

// read is every document of a file, or of the files of a folder.
func read(t *testing.T, path string) []object {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.IsDir() {
		var all []object
		files, err := filepath.Glob(filepath.Join(path, "*.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			all = append(all, read(t, file)...)
		}
		return all
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []object
	for _, part := range strings.Split("\n"+string(data), "\n---") {
		encoded, err := yaml.YAMLToJSON([]byte(part))
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		var fields map[string]any
		if err := kjson.Unmarshal(encoded, &fields); err == nil && len(fields) > 0 {
			all = append(all, object{corpus.Document{Fields: fields, File: path}, encoded})
		}
	}
	return all
}

// question is what the judge is asked: some policies, and one object.
type question struct {
	policies, exceptions []object
	namespaces           []gate.Namespace
	// at is when; the judge reads no clock.
	at time.Time
}

func isPolicy(o object) bool {
	return strings.HasPrefix(o.Text("apiVersion"), "policies.kyverno.io/") && strings.HasSuffix(o.Kind(), "ValidatingPolicy") &&
		!strings.HasSuffix(o.Kind(), "ImageValidatingPolicy")
}

func isException(o object) bool {
	return strings.HasPrefix(o.Text("apiVersion"), "policies.kyverno.io/") && o.Kind() == "PolicyException"
}

// judge compiles the policies. Kyverno's older versions have the same types; an
// exception is given what a gate asks for beside.
func (q question) judge() (plugin.Judge, error) {
	var documents []gate.Document
	for _, each := range append(append([]object{}, q.policies...), q.exceptions...) {
		fields := map[string]any{}
		if err := json.Unmarshal(each.raw, &fields); err != nil {
			return nil, fmt.Errorf("reading %s: %w", each.File, err)
		}
		fields["apiVersion"] = "policies.kyverno.io/v1"
		if metadata, _ := fields["metadata"].(map[string]any); each.Kind() == "NamespacedValidatingPolicy" && metadata["namespace"] == nil {
			metadata["namespace"] = "default"
		}
		if isException(each) {
			spec, _ := fields["spec"].(map[string]any)
			spec["properties"] = map[string]string{"owner": "team-a", "reason": "test", "ticket": "1", "approved-by": "platform"}
			if spec["expiresAt"] == nil {
				spec["expiresAt"] = q.at.AddDate(0, 1, 0).Format(time.RFC3339)
			}
		}
		encoded, err := json.Marshal(fields)
		if err != nil {
			return nil, fmt.Errorf("writing %s: %w", each.File, err)
		}
		documents = append(documents, gate.Document{
			APIVersion: "policies.kyverno.io/v1", Kind: each.Kind(), Name: each.name(), JSON: encoded, At: plugin.Origin{File: filepath.Base(each.File)},
		})
	}
	compiled, err := policy.NewCompiler().Compile(policy.Config{Documents: documents, Gate: gate.Gate{
		Metadata: gate.Metadata{Name: "oracle"},
		Spec:     gate.Spec{Namespaces: q.namespaces, Judge: gate.Judge{TrustObjectLabels: true, Deployer: &gate.Deployer{Username: "kubernetes-admin"}}},
	}})
	if err != nil {
		return nil, err
	}
	return compiled.Judges[0], nil
}

// Answers, in Kyverno's words. An indeterminate one is assay's own.
const (
	pass          = "pass"
	fail          = "fail"
	skip          = "skip"
	failed        = "error"
	indeterminate = "indeterminate"
	refused       = "refused"
)

// ask asks about one object, and returns the worst answer of the named policy,
// or of all when none is named.
func ask(t *testing.T, judge plugin.Judge, q question, o object, policyName string) (answer, why string, messages []string) {
	t.Helper()
	sealed := plugin.Sealed{
		Source: plugin.Source{Application: plugin.Application{Name: "app", Namespace: "default"}},
		At:     q.at, Objects: []plugin.Object{{Fields: o.Fields, Origin: plugin.Origin{File: filepath.Base(o.File)}}},
	}
	answer = pass
	for _, finding := range judge.Judge(t.Context(), sealed) {
		if !strings.HasPrefix(finding.Rule, "policy/") || policyName != "" && finding.Rule != "policy/"+policyName {
			continue
		}
		each := fail
		switch {
		case finding.Waiver != nil:
			each = skip
		case !finding.Level.Blocks() && policyName == "":
			each = pass
		case finding.Indeterminate:
			each = indeterminate
		case strings.HasPrefix(finding.Message, "the policy could not be evaluated"):
			each = failed
		}
		messages = append(messages, finding.Message)
		if rank(each) >= rank(answer) {
			answer, why = each, finding.Message+" "+strings.Join(finding.Details, "; ")
		}
	}
	return answer, why, messages
}

// rank orders answers: the worst of several counts.
func rank(answer string) int {
	return slices.Index([]string{pass, skip, indeterminate, failed, fail}, answer)
}
