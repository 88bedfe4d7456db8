package policy

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	kjson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// objects decodes YAML documents as the seal does: whole numbers are int64.
func objects(t testing.TB, text string) []plugin.Object {
	t.Helper()
	var out []plugin.Object
	for i, document := range strings.Split(text, "\n---\n") {
		encoded, err := yaml.YAMLToJSONStrict([]byte(document))
		if err != nil {
			t.Fatalf("document %d: %v", i, err)
		}
		var fields map[string]any
		if err := kjson.Unmarshal(encoded, &fields); err != nil {
			t.Fatalf("document %d: %v", i, err)
		}
		out = append(out, plugin.Object{Fields: fields, Origin: plugin.Origin{File: "app.yaml", Line: 1 + i}})
	}
	return out
}

func readFile(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func sealed(t testing.TB, text string) plugin.Sealed {
	t.Helper()
	return plugin.Sealed{Objects: objects(t, text), At: time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)}
}

// documents decodes policies as the gate package hands them on.
func documents(t testing.TB, text string) []gate.Document {
	t.Helper()
	var out []gate.Document
	for i, document := range strings.Split(text, "\n---\n") {
		encoded, err := yaml.YAMLToJSONStrict([]byte(document))
		if err != nil {
			t.Fatal(err)
		}
		fields := objects(t, document)[0]
		id := fields.ID()
		out = append(out, gate.Document{APIVersion: id.APIVersion, Kind: id.Kind, Name: id.Name, JSON: encoded, At: plugin.Origin{File: "policy.yaml", Line: 1 + 10*i}})
	}
	return out
}

func judgeOf(t testing.TB, config Config) plugin.Judge {
	t.Helper()
	compiled, err := NewCompiler().Compile(config)
	if err != nil {
		t.Fatal(err)
	}
	if len(compiled.Judges) != 1 {
		t.Fatalf("%d judges, want 1", len(compiled.Judges))
	}
	return compiled.Judges[0]
}

func judgeWith(t testing.TB, config Config, sealed plugin.Sealed) []plugin.Finding {
	t.Helper()
	// Most tests are about custom resources that no schema knows.
	return slices.DeleteFunc(judgeOf(t, config).Judge(context.Background(), sealed), func(finding plugin.Finding) bool {
		return finding.Rule == ruleUnknownKind && finding.Level == plugin.Info
	})
}

// withRule are the findings of one rule.
func withRule(findings []plugin.Finding, rule string) []plugin.Finding {
	var out []plugin.Finding
	for _, finding := range findings {
		if finding.Rule == rule {
			out = append(out, finding)
		}
	}
	return out
}

func blocking(findings []plugin.Finding) []plugin.Finding {
	var out []plugin.Finding
	for _, finding := range findings {
		if finding.Level.Blocks() {
			out = append(out, finding)
		}
	}
	return out
}

// one is the only finding; anything else fails the test.
func one(t testing.TB, findings []plugin.Finding) plugin.Finding {
	t.Helper()
	if len(findings) != 1 {
		t.Fatalf("%d findings, want 1: %+v", len(findings), findings)
	}
	return findings[0]
}

func gateWith(judge gate.Judge) gate.Gate {
	return gate.Gate{Metadata: gate.Metadata{Name: "base"}, Spec: gate.Spec{Judge: judge}}
}
