package audit_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/audit"
	"github.com/assay-gitops/assay/plugin/report"
	"github.com/assay-gitops/assay/plugin/report/jsonschema"
)

var update = flag.Bool("update", false, "write the golden files")

func recordSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	// The record's own types come last: others have an Image and a Finding too.
	docs, err := jsonschema.FieldDocs("../*.go", "../report/json.go", "../report/injected.go", "record.go")
	if err != nil {
		t.Fatal(err)
	}
	var changes []string
	for _, change := range report.Changes() {
		changes = append(changes, string(change))
	}
	out := jsonschema.Maker{Docs: docs, Enums: map[reflect.Type][]string{
		reflect.TypeFor[report.Change]():       changes,
		reflect.TypeFor[plugin.Level]():        {plugin.Deny.String(), plugin.Undetermined.String(), plugin.Warn.String(), plugin.Info.String()},
		reflect.TypeFor[plugin.Outcome]():      {plugin.Denied.String(), plugin.Unanswered.String(), plugin.Allowed.String()},
		reflect.TypeFor[plugin.DigestSource](): {string(plugin.DigestWritten), string(plugin.DigestResolved), string(plugin.DigestLocked), string(plugin.DigestStale)},
		reflect.TypeFor[plugin.EvidenceKind](): {string(plugin.EvidenceSignature), string(plugin.EvidenceAttestation), string(plugin.EvidenceStatic)},
	}}.Document(reflect.TypeFor[audit.Record](), audit.Schema)
	out.Title = "assay audit record"
	out.Description = "One verdict about one application, as the audit log and the report store have it. It holds no manifest and no secret."
	return out
}

func TestSchema_GeneratedFileIsInStepWithTheTypes(t *testing.T) {
	data, err := json.MarshalIndent(recordSchema(t), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	const file = "../../docs/schema/audit.json"
	data = append(data, '\n')
	if *update {
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(want, data) {
		t.Errorf("%s differs (%v); run the test with -update and read the difference", file, err)
	}
}

// read is the record as it stands in its line.
func read(t *testing.T, record audit.Record) (audit.Record, string) {
	t.Helper()
	line, err := record.Line()
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Count(line, []byte("\n")) != 1 || line[len(line)-1] != '\n' {
		t.Fatalf("it is not one line: %s", line)
	}
	var value any
	if err := json.Unmarshal(line, &value); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range recordSchema(t).Check(value, "record") {
		t.Error(wrong)
	}
	var again audit.Record
	if err := json.Unmarshal(line, &again); err != nil {
		t.Fatal(err)
	}
	return again, string(line)
}

func TestFrom_AllowedVerdictSaysWhoVouchesAndWhatWasInjected(t *testing.T) {
	v := complete(t, []plugin.Object{configMap("shop")}, filledIn("runAsNonRoot"), filledIn("privileged"), waived())
	v.Images, v.Pinned = []plugin.Image{vouched(t)}, true
	record, line := read(t, audit.From(v, about()))
	if record.Outcome != plugin.Allowed || record.Sealed != v.SealDigest() || record.GateDigest != digest("9f") || record.Report != report.ID(v) {
		t.Errorf("the record is %s", line)
	}
	if record.Application != "team-a_shop" || record.Project != "team-a" || record.Path != "overlays/prod" || record.RepositoryPath != "apps/overlays/prod" {
		t.Errorf("it is about %s %s %s %s", record.Application, record.Project, record.Path, record.RepositoryPath)
	}
	if len(record.Images) != 1 || record.Images[0].Tag != "1.4.2" || len(record.Images[0].Evidence) != 1 || record.Images[0].Evidence[0].Builder == "" {
		t.Errorf("the images are %+v", record.Images)
	}
	want := []report.Injection{{Object: web, Change: report.Pinned, Count: 1}, {Object: web, Change: report.FilledIn, Rule: "harden/restricted", Count: 2}}
	if !reflect.DeepEqual(record.Injected, want) {
		t.Errorf("injected is %+v", record.Injected)
	}
	if len(record.Findings) != 1 || len(record.Waivers) != 1 || record.Findings[0].Waiver != record.Waivers[0].ID || record.Waivers[0].Until.Format("2006-01-02") != "2026-06-30" {
		t.Errorf("findings %+v, waivers %+v", record.Findings, record.Waivers)
	}
	if record.FirstLine != "assay allowed team-a_shop: 1 object, 1 image, 1 warning" {
		t.Errorf("the first line is %q", record.FirstLine)
	}
}

func TestFrom_WithoutAWaiverItIsDenied(t *testing.T) {
	record, _ := read(t, audit.From(complete(t, []plugin.Object{configMap("shop")}, privileged()), about()))
	if record.Outcome != plugin.Denied || len(record.Waivers) != 0 || !strings.HasPrefix(record.FirstLine, "assay denied team-a_shop: 1 problem: ") {
		t.Errorf("%s, %q", record.Outcome, record.FirstLine)
	}
}

func TestFrom_DenialNamesWhatPassedBeforeIt(t *testing.T) {
	last := plugin.Passed{Revision: strings.Repeat("v", 1<<20) + "\x1b[2J", Time: judged.AddDate(0, 0, -1)}
	for level, named := range map[plugin.Level]bool{plugin.Deny: true, plugin.Undetermined: false, plugin.Info: false} {
		finding := privileged()
		finding.Level = level
		v := complete(t, []plugin.Object{configMap("shop")}, finding)
		v.LastAllowed = last
		record, line := read(t, audit.From(v, about()))
		if named != (record.LastAllowed.Time == last.Time) || named != strings.Contains(line, `"lastAllowed":{"revision":"vvv`) || len(record.LastAllowed.Revision) > 2000 || strings.Contains(line, "\x1b") {
			t.Errorf("%s: %.300s", record.Outcome, line)
		}
	}
	if _, line := read(t, audit.From(complete(t, []plugin.Object{configMap("shop")}, privileged()), about())); strings.Contains(line, "lastAllowed") {
		t.Errorf("where none is known: %s", line)
	}
}

func TestFrom_NoVerdictAndTheEmptyOneAreDenials(t *testing.T) {
	for _, v := range []*plugin.Verdict{nil, {}} {
		if record, line := read(t, audit.From(v, audit.About{})); record.Outcome != plugin.Denied || record.Sealed != "" {
			t.Errorf("the record is %s", line)
		}
	}
}

func TestFrom_WaiverKeepsItsIDWhenItIsRenewed(t *testing.T) {
	id := func(change func(*plugin.Finding)) string {
		finding := waived()
		change(&finding)
		return audit.From(complete(t, []plugin.Object{configMap("shop")}, finding), about()).Waivers[0].ID
	}
	first := id(func(*plugin.Finding) {})
	if renewed := id(func(f *plugin.Finding) { f.Waiver.Until = f.Waiver.Until.AddDate(0, 1, 0) }); renewed != first {
		t.Errorf("renewed it is %s, was %s", renewed, first)
	}
	if other := id(func(f *plugin.Finding) { f.Content = digest("3c") }); other == first {
		t.Error("for another content it has the same id")
	}
}

func TestLine_NothingInItSteersATerminal(t *testing.T) {
	finding := privileged()
	finding.Message = "one\x1b[2J\u202e\u0085two"
	record, line := read(t, audit.From(complete(t, []plugin.Object{configMap("shop")}, finding), about()))
	if strings.ContainsAny(line, "\x1b\u202e\u0085") {
		t.Errorf("the line is %q", line)
	}
	if record.Findings[0].Message != finding.Message {
		t.Errorf("the message became %q", record.Findings[0].Message)
	}
}

func TestLine_IsBoundedAndTheWorstStays(t *testing.T) {
	v := complete(t, []plugin.Object{configMap("shop")})
	for i := range 3000 {
		finding := waived()
		finding.Field, finding.Message = fmt.Sprintf("spec[%d]", i), strings.Repeat("é", 2000)
		image := vouched(t)
		image.Written = fmt.Sprintf("registry.example.com/%d:1", i)
		v.Findings, v.Images = append(v.Findings, finding), append(v.Images, image)
	}
	v.Findings = append([]plugin.Finding{privileged()}, v.Findings...)
	record, line := read(t, audit.From(v, about()))
	if len(line) > 256<<10 || len(record.Images) == 0 || record.Counts.Warn != 3000 {
		t.Errorf("%d bytes, %d images, %d warnings", len(line), len(record.Images), record.Counts.Warn)
	}
	if record.Findings[0].Level != plugin.Deny {
		t.Errorf("the first finding is %+v", record.Findings[0])
	}
	if all := 3000 + 3001 + 3000; record.Omitted != all-len(record.Images)-len(record.Findings)-len(record.Waivers) {
		t.Errorf("omitted is %d", record.Omitted)
	}
}

// What a tenant writes into an Application is as long as the tenant likes.
func TestLine_IsBoundedWhateverTheApplicationSaysOfItsSource(t *testing.T) {
	v := complete(t, []plugin.Object{configMap("shop")})
	v.Path, v.RepositoryPath, v.Revision, v.Application.Repository = strings.Repeat("p", 1<<20), strings.Repeat("r", 1<<20), strings.Repeat("v", 1<<20), "https://git.example.com/"+strings.Repeat("u", 1<<20)
	if _, line := read(t, audit.From(v, about())); len(line) > 256<<10 {
		t.Errorf("the line has %d bytes", len(line))
	}
}
