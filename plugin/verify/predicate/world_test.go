package predicate_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/verify/predicate"
)

// The image that the samples in testdata are about, and another one.
const (
	thisImage  = "sha256:1111111111111111111111111111111111111111111111111111111111111111"
	otherImage = "sha256:2222222222222222222222222222222222222222222222222222222222222222"
)

// now is the time of every verdict in these tests.
func now() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) }

func subject() predicate.Subject {
	return predicate.Subject{Image: plugin.Image{Digest: thisImage}, At: now()}
}

// sample reads a file of testdata, with the replacements applied; each must
// change something.
func sample(t *testing.T, name string, replacements ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for i := 0; i+1 < len(replacements); i += 2 {
		changed := strings.ReplaceAll(text, replacements[i], replacements[i+1])
		if changed == text {
			t.Fatalf("%s has no %q to replace", name, replacements[i])
		}
		text = changed
	}
	return []byte(text)
}

func statement(predicateType string, data []byte) predicate.Statement {
	return predicate.Statement{
		Type: predicateType, Predicate: data, Label: "statement",
		Claims: plugin.Claims{Kind: plugin.EvidenceAttestation, Policy: "release", Digest: thisImage, Signer: "release@example.com"},
	}
}

func judge(t *testing.T, demand predicate.Demand, about predicate.Subject, statements ...predicate.Statement) predicate.Answer {
	t.Helper()
	var read []predicate.Statement
	for _, each := range statements {
		if demand.Reads(each.Type) {
			read = append(read, each)
		}
	}
	return demand.Judge(t.Context(), about, read)
}

// met fails the test unless the demand is met and nothing blocks.
func met(t *testing.T, answer predicate.Answer) {
	t.Helper()
	if len(answer.Met) == 0 || len(answer.Unseen) > 0 || blocks(answer) {
		t.Errorf("not met: %+v", answer)
	}
}

// notMet fails the test unless the demand is not met, and the answer says why.
func notMet(t *testing.T, answer predicate.Answer, why string) {
	t.Helper()
	if len(answer.Met) > 0 || len(answer.Unseen) > 0 {
		t.Errorf("got %+v, want a demand that is not met", answer)
	}
	if !strings.Contains(told(answer), why) {
		t.Errorf("told %q, want %q", told(answer), why)
	}
}

// undetermined fails the test unless the answer is that there is none.
func undetermined(t *testing.T, answer predicate.Answer, why string) {
	t.Helper()
	if len(answer.Met) > 0 || len(answer.Unseen) == 0 || !strings.Contains(strings.Join(answer.Unseen, "\n"), why) {
		t.Errorf("got %+v, want no answer because of %q", answer, why)
	}
	for _, finding := range answer.Findings {
		if finding.Level == plugin.Deny {
			t.Errorf("undetermined, and told as denied: %+v", finding)
		}
	}
}

func blocks(answer predicate.Answer) bool {
	for _, finding := range answer.Findings {
		if finding.Level.Blocks() {
			return true
		}
	}
	return false
}

// told is everything that the answer says.
func told(answer predicate.Answer) string {
	lines := append([]string{}, answer.Reasons...)
	for _, finding := range answer.Findings {
		lines = append(append(lines, finding.Level.String()+" "+finding.Rule+": "+finding.Message), finding.Details...)
	}
	return strings.Join(lines, "\n")
}

func leaves(digests ...string) func(context.Context) ([]string, error) {
	return func(context.Context) ([]string, error) { return digests, nil }
}
