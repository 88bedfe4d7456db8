package report_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/report"
)

var update = flag.Bool("update", false, "rewrite the golden files and the generated documents")

// golden compares with a file, or rewrites it under -update.
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
		t.Errorf("%s differs; run the test with -update and read the difference.\ngot:\n%s\nwant:\n%s", path, got, want)
	}
}

func write(t *testing.T, format string, options report.Options, v *plugin.Verdict) []byte {
	t.Helper()
	reporter, err := report.For(format, options)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := reporter.Report(&out, v); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestReport_GoldenFileOfEveryFormatAndAnswer(t *testing.T) {
	for name, v := range verdicts(t) {
		t.Run(name, func(t *testing.T) {
			golden(t, filepath.Join("testdata", name+".txt"), write(t, "text", report.Options{}, v))
			golden(t, filepath.Join("testdata", name+".color.txt"), write(t, "text", report.Options{Color: true, Width: 60}, v))
			golden(t, filepath.Join("testdata", name+".json"), write(t, "json", report.Options{}, v))
			for format, ending := range map[string]string{
				"sarif": ".sarif", "junit": ".junit.xml", "markdown": ".md", "policyreport": ".policyreport.yaml", "openreports": ".openreports.yaml",
			} {
				golden(t, filepath.Join("testdata", name+ending), write(t, format, report.Options{Rule: somePages, Version: "v1.2.3"}, v))
			}
		})
	}
}

func TestReport_FirstLineStandsAlone(t *testing.T) {
	for name, want := range map[string]string{
		"allowed":      "allowed: shop (overlays/prod): 1 problem waived (2 images, 12 objects)",
		"denied":       "denied: shop (overlays/prod): 3 problems in 2 objects and 1 image, 1 question without an answer (3 images, 12 objects)",
		"undetermined": "undetermined: shop (overlays/prod): 1 question without an answer (1 image, 12 objects)",
		"audit":        "allowed: shop (overlays/prod): 1 problem not enforced (audit) (2 images, 12 objects)",
		"breakglass":   "BREAK GLASS until 2026-03-14 18:09Z, approved by platform@example.com: OPS-99",
	} {
		text := string(write(t, "text", report.Options{}, verdicts(t)[name]))
		if first, _, _ := strings.Cut(text, "\n"); first != want {
			t.Errorf("%s: first line\n got %q\nwant %q", name, first, want)
		}
	}
}

func TestExitCode_FollowsTheAnswer(t *testing.T) {
	cases := map[string]int{"allowed": 0, "audit": 0, "breakglass": 0, "denied": 1, "undetermined": 2}
	for name, want := range cases {
		if got := report.ExitCode(verdicts(t)[name]); got != want {
			t.Errorf("%s: exit code %d, want %d", name, got, want)
		}
	}
	if got := report.ExitCode(nil); got != 1 {
		t.Errorf("no verdict: exit code %d, want 1", got)
	}
	if got := report.ExitCode(&plugin.Verdict{}); got != 1 {
		t.Errorf("zero verdict: exit code %d, want 1", got)
	}
}

func TestFor_UnknownFormatIsAnErrorThatListsTheKnownOnes(t *testing.T) {
	for _, name := range []string{"", "yaml", "TEXT"} {
		_, err := report.For(name, report.Options{})
		if err == nil || !strings.Contains(err.Error(), "text, json") {
			t.Errorf("For(%q): %v", name, err)
		}
	}
	for _, name := range report.Formats() {
		if _, err := report.For(name, report.Options{}); err != nil {
			t.Errorf("For(%q): %v", name, err)
		}
	}
	if _, err := report.For("text", report.Options{Findings: -1}); err == nil {
		t.Error("a negative limit is accepted")
	}
}

func TestReport_NoVerdictIsAnErrorAndWritesNothing(t *testing.T) {
	for _, name := range report.Formats() {
		reporter, err := report.For(name, report.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := reporter.Report(&out, nil); err == nil || out.Len() > 0 {
			t.Errorf("%s: err %v, wrote %q", name, err, out.String())
		}
	}
}

func TestReport_ZeroVerdictReadsAsDenied(t *testing.T) {
	text := string(write(t, "text", report.Options{}, &plugin.Verdict{}))
	if !strings.HasPrefix(text, "denied: application: the run stopped before it had an answer (0 images, 0 objects)\ngates: none;") {
		t.Errorf("got %q", text)
	}
	if json := string(write(t, "json", report.Options{}, &plugin.Verdict{})); !strings.Contains(json, `"outcome": "denied"`) {
		t.Errorf("got %s", json)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestReport_WriterThatFailsIsAnError(t *testing.T) {
	v := verdicts(t)["allowed"]
	for _, name := range report.Formats() {
		reporter, err := report.For(name, report.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := reporter.Report(brokenWriter{}, v); err == nil || !strings.Contains(err.Error(), "disk full") {
			t.Errorf("%s: %v", name, err)
		}
		if err := reporter.Report(io.Discard, v); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReport_FindingsAboveTheLimitAreCountedNotShown(t *testing.T) {
	v := verdicts(t)["denied"]
	text := string(write(t, "text", report.Options{Findings: 2}, v))
	if !strings.Contains(text, "and 3 findings more, not shown: the limit findingsPerVerdict is 2") {
		t.Errorf("no word about the rest:\n%s", text)
	}
	if !strings.Contains(text, "denied: shop (overlays/prod): 3 problems") {
		t.Errorf("the counts were cut too:\n%s", text)
	}
	document := decode(t, write(t, "json", report.Options{Findings: 2}, v))
	if len(document.Findings) != 2 || document.Counts.Omitted != 3 || document.Counts.Deny != 3 {
		t.Errorf("json: %d findings, counts %+v", len(document.Findings), document.Counts)
	}
	if text := string(write(t, "text", report.Options{Findings: 5}, v)); strings.Contains(text, "not shown") {
		t.Errorf("nothing was left out, yet:\n%s", text)
	}
}

func TestReport_HoldsNoManifest(t *testing.T) {
	v := verdicts(t)["allowed"]
	manifests, err := v.Manifests()
	if err != nil || !bytes.Contains(manifests, []byte("secret-sauce")) {
		t.Fatalf("the verdict has no manifest to leak: %v", err)
	}
	for _, name := range report.Formats() {
		if bytes.Contains(write(t, name, report.Options{}, v), []byte("secret-sauce")) {
			t.Errorf("%s shows a manifest", name)
		}
	}
}

func TestReport_SameVerdictSameBytes(t *testing.T) {
	for _, name := range report.Formats() {
		first := write(t, name, report.Options{}, verdicts(t)["denied"])
		for range 20 {
			if !bytes.Equal(first, write(t, name, report.Options{}, verdicts(t)["denied"])) {
				t.Fatalf("%s differs between runs", name)
			}
		}
	}
}

func BenchmarkReport_TenThousandFindingsAndImages(b *testing.B) {
	v := &plugin.Verdict{}
	for i := range 10_000 {
		finding := unsigned()
		finding.Image = fmt.Sprintf("registry.example.com/shop/web:%d", i)
		v.Findings = append(v.Findings, finding)
		v.Images = append(v.Images, plugin.Image{Written: finding.Image, Digest: finding.Digest})
	}
	for _, name := range report.Formats() {
		b.Run(name, func(b *testing.B) {
			reporter, err := report.For(name, report.Options{})
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if err := reporter.Report(io.Discard, v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
