package change_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/change"
	"github.com/assay-gitops/assay/plugin/report"
	"github.com/assay-gitops/assay/plugin/report/jsonschema"
)

var update = flag.Bool("update", false, "rewrite the golden files and docs/schema/diff.json")

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; run the test with -update to write it", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; run the test with -update and read the difference", path)
	}
}

func texts[T ~string](values ...T) []string {
	var out []string
	for _, value := range values {
		out = append(out, string(value))
	}
	return out
}

func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	docs, err := jsonschema.FieldDocs("../../*.go", "report.go")
	if err != nil {
		t.Fatal(err)
	}
	out := jsonschema.Maker{Docs: docs, Enums: map[reflect.Type][]string{
		reflect.TypeFor[change.Status]():       texts(change.Added, change.Removed, change.Changed, change.Renamed, change.Same),
		reflect.TypeFor[change.State]():        texts(change.New, change.Fixed, change.Still),
		reflect.TypeFor[report.Effect]():       texts(report.Effects()...),
		reflect.TypeFor[plugin.Level]():        {plugin.Deny.String(), plugin.Undetermined.String(), plugin.Warn.String(), plugin.Info.String()},
		reflect.TypeFor[plugin.Outcome]():      {plugin.Denied.String(), plugin.Unanswered.String(), plugin.Allowed.String()},
		reflect.TypeFor[plugin.DigestSource](): texts(plugin.DigestWritten, plugin.DigestResolved, plugin.DigestLocked, plugin.DigestStale),
		reflect.TypeFor[plugin.EvidenceKind](): texts(plugin.EvidenceSignature, plugin.EvidenceAttestation, plugin.EvidenceStatic),
	}}.Document(reflect.TypeFor[change.Report](), change.Schema)
	out.Title = "assay diff"
	out.Description = "What a change does to everything that a repository deploys. It holds no Secret data."
	return out
}

func TestSchema_GeneratedFileIsInStepWithTheTypes(t *testing.T) {
	data, err := json.MarshalIndent(schema(t), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "../../../docs/schema/diff.json", append(data, '\n'))
}

// stories are pairs of sides and what becomes of them.
func stories(t *testing.T) map[string]change.Application {
	t.Helper()
	base := world{manifests: deployment + "\n---\n" + secret, evidence: map[string][]plugin.Evidence{webRepository: all(t, []plugin.Claims{built(3)})}}
	head := base
	head.manifests = replaced(t, base.manifests, "web:1.0", "web:1.1", "blue", "green", "aHVudGVyMi1vbGQ=", "aHVudGVyMi1uZXcx") +
		"\n---\napiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop, labels: {helm.sh/chart: web-1.1}}\nspec:\n  ports: [{name: http, port: 80}]\n"
	head.evidence = map[string][]plugin.Evidence{webRepository: all(t, []plugin.Claims{newer(func(c *plugin.Claims) { c.BuildLevel = 2 })})}
	head.findings = []plugin.Finding{{Rule: "workload/probe", Object: web(), Field: "spec.template.spec.containers[0].livenessProbe", Message: "there is no probe"}}
	moved := base
	moved.digests = map[string]string{webRepository + ":1.0": digestOf("moved")}
	broken := world{broken: true}
	in := input()
	in.Head = head.judged(t)
	return map[string]change.Application{
		"release": compare(t, base, head), "moved": compare(t, base, moved), "mended": compare(t, broken, base), "broken": compare(t, base, broken),
		"added": change.Compare(in), "same": compare(t, base, base),
	}
}

func TestCompare_IsTheSameEachTime(t *testing.T) {
	var out bytes.Buffer
	for name, app := range stories(t) {
		document := change.Summarise(change.Header{
			Base: change.Side{Name: "main", Commit: strings.Repeat("1", 40)}, Head: change.Side{Name: "worktree"}, At: judged(), Gates: []string{"base"},
			Unseen: []change.Unseen{{What: "https://charts.example.com", Reason: "it is another repository", Head: true}},
		}, []change.Application{app})
		out.Reset()
		if err := report.WriteJSON(&out, document); err != nil {
			t.Fatal(err)
		}
		golden(t, filepath.Join("testdata", name+".json"), out.Bytes())
		var value any
		if err := json.Unmarshal(out.Bytes(), &value); err != nil {
			t.Fatal(err)
		}
		for _, wrong := range schema(t).Check(value, name) {
			t.Error(wrong)
		}
	}
}

func TestSchema_CheckNoticesWhatDoesNotConform(t *testing.T) {
	for _, text := range []string{`{}`, `{"summary":{"added":"1"}}`, `{"extra":1}`, `{"applications":[{"status":"odd"}]}`} {
		var value any
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			t.Fatal(err)
		}
		if len(schema(t).Check(value, "report")) == 0 {
			t.Errorf("%s conforms", text)
		}
	}
}
