package migrate_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/migrate"
	"github.com/assay-gitops/assay/plugin/report"
	"github.com/assay-gitops/assay/plugin/report/jsonschema"
)

var update = flag.Bool("update", false, "rewrite docs/schema/migrate.json")

const schemaFile = "../../docs/schema/migrate.json"

func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	docs, err := jsonschema.FieldDocs("../*.go", "../report/json.go", "document.go")
	if err != nil {
		t.Fatal(err)
	}
	texts := func(values ...string) []string { return values }
	out := jsonschema.Maker{Docs: docs, Enums: map[reflect.Type][]string{
		reflect.TypeFor[plugin.Level]():        texts(plugin.Deny.String(), plugin.Undetermined.String(), plugin.Warn.String(), plugin.Info.String()),
		reflect.TypeFor[plugin.Outcome]():      texts(plugin.Denied.String(), plugin.Unanswered.String(), plugin.Allowed.String()),
		reflect.TypeFor[plugin.DigestSource](): texts(string(plugin.DigestWritten), string(plugin.DigestResolved), string(plugin.DigestLocked), string(plugin.DigestStale)),
		reflect.TypeFor[plugin.EvidenceKind](): texts(string(plugin.EvidenceSignature), string(plugin.EvidenceAttestation), string(plugin.EvidenceStatic)),
	}}.Document(reflect.TypeFor[migrate.Document](), migrate.Schema)
	out.Title = "assay migrate"
	out.Description = "What becomes of Argo CD's Applications that move to the plugin, and what assay adds to them."
	return out
}

func TestSchema_GeneratedFileIsInStepWithTheTypes(t *testing.T) {
	data, err := json.MarshalIndent(schema(t), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	data = append(data, '\n')
	if *update {
		if err := os.WriteFile(schemaFile, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if have, err := os.ReadFile(schemaFile); err != nil || !bytes.Equal(have, data) {
		t.Errorf("%s differs (%v); run the test with -update and read the difference", schemaFile, err)
	}
}

// TestDocument_SaysWhatIsAddedApartFromTheProof: in the text and for programs.
func TestDocument_SaysWhatIsAddedApartFromTheProof(t *testing.T) {
	t.Parallel()
	root := tree(t, map[string]string{"apps/app.yaml": application("path: kustom\nkustomize: {}")})
	result, err := migrate.Run(t.Context(), hardening(t, options(root)), []string{"apps"})
	if err != nil || len(result.Files) != 1 || result.Files[0].Proven != 1 || len(result.Hardened) != 1 {
		t.Fatalf("%v %+v", err, result)
	}
	document := migrate.DocumentOf(result, migrate.Asked{})
	addition := document.Additions[0]
	if addition.Application != "shop" || addition.Path != "kustom" || addition.Outcome != nil || len(addition.Images) != 1 || len(addition.Changes) == 0 || addition.Changes[0].Rule == "" {
		t.Errorf("%+v", addition)
	}
	if document.Counts.Proven != 1 || document.Counts.Renderings != 2 || document.Files[0].Written || !document.Files[0].Writable {
		t.Errorf("%+v", document)
	}
	var text bytes.Buffer
	if err := report.WriteJSON(&text, document); err != nil {
		t.Fatal(err)
	}
	var value any
	if err := json.Unmarshal(text.Bytes(), &value); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range schema(t).Check(value, "document") {
		t.Error(wrong)
	}
	text.Reset()
	if err := report.WriteAdditions(&text, report.Additions{Verdicts: []*plugin.Verdict{result.Hardened[0].Verdict}}, report.Options{}); err != nil {
		t.Fatal(err)
	}
	for _, said := range []string{"what assay adds (1 source; apart from the proof)", "web:1", "no registry was asked", "allowPrivilegeEscalation  unset -> false"} {
		if !strings.Contains(text.String(), said) {
			t.Errorf("%q is not said:\n%s", said, text.String())
		}
	}
}
