package gate

import (
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

func FuzzLoad(f *testing.F) {
	full, err := os.ReadFile("testdata/full.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(full)
	for _, document := range strings.Split(string(full), "---\n") {
		f.Add([]byte(document))
	}
	f.Add([]byte(DefaultYAML()))
	f.Add([]byte("apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: a}\nspec: &s\n  again: *s\n"))
	f.Add([]byte("{\"apiVersion\": \"assay.dev/v1alpha1\", \"kind\": \"Gate\", \"metadata\": {\"name\": \"a\"}, \"spec\": {\"base\": true}}"))
	f.Add([]byte("- &a [*a]\n"))
	f.Add([]byte("a: !!binary x\n? [b]\n: c\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		config, err := Parse("fuzz.yaml", data)
		if (config == nil) == (err == nil) {
			t.Fatalf("config %v, error %v", config, err)
		}
		if err != nil {
			if again, _ := Parse("fuzz.yaml", data); again != nil {
				t.Fatal("the same bytes are refused and accepted")
			}
			return
		}
		again, err := Parse("fuzz.yaml", data)
		if err != nil || !reflect.DeepEqual(config, again) {
			t.Fatalf("the same bytes mean two things: %v", err)
		}
		use(t, config)
	})
}

// use calls what doors call, none of which may panic on a loaded configuration.
func use(t *testing.T, config *Config) {
	t.Helper()
	app := plugin.Application{Name: "shop", Project: "team-a", Repository: "https://git.example.com/x"}
	moment := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	Explain(config)
	config.Validate(moment)
	if gates, err := config.Select(app, "apps/shop"); err == nil {
		if _, err := Combine(gates); err != nil {
			t.Fatalf("gates that Select accepts do not combine: %v", err)
		}
	}
	for _, gate := range config.Gates {
		finding := plugin.Finding{Rule: "self/kinds", Gate: gate.Metadata.Name}
		if NewDecider(gate, WaiverTerms{}).Waive(plugin.Source{Application: app}, moment, finding) != nil {
			t.Fatal("self was waived")
		}
		NewDecider(gate, WaiverTerms{}).Notes(plugin.Source{Application: app}, moment, []plugin.Finding{finding})
	}
	for _, policy := range config.ImagePolicies {
		for _, image := range policy.Spec.Images {
			if _, err := image.Expression(); err != nil {
				t.Fatalf("a loaded glob does not compile: %v", err)
			}
		}
	}
}
