package mutate

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func sample() subject {
	return subject{
		folder: "testdata/sample", packageName: "sample", deadline: time.Minute, workers: 2,
		progress: func(int, int) {},
	}
}

// The sample has one check that no test holds. It is reported, with its place;
// all others are killed.
func TestMeasure_SurvivorIsReportedAndTheRestKilled(t *testing.T) {
	outcomes, err := measure(t.Context(), t.TempDir(), sample())
	if err != nil {
		t.Fatal(err)
	}
	const survivor = `no test notices: sample.go:41: Unheld: never: if of == nil { return errors.New("nil")`
	result := judge(outcomes, nil)
	if !slices.Equal(result.problems, []string{survivor}) {
		t.Errorf("problems:\n%s\nwant only\n%s", strings.Join(result.problems, "\n"), survivor)
	}
	const want = 20
	if result.killed != want {
		t.Errorf("%d mutants were killed, want %d", result.killed, want)
	}
}

func TestMeasure_TestsThatAreRedWithoutAMutantGiveNoAnswer(t *testing.T) {
	t.Setenv("SAMPLE_RED", "1")
	if _, err := measure(t.Context(), t.TempDir(), sample()); err == nil || !strings.Contains(err.Error(), "they must be green") {
		t.Errorf("error %v", err)
	}
}

func TestMeasure_DeadlineIsNoPass(t *testing.T) {
	of := sample()
	of.deadline = -time.Second // passed before it began
	if _, err := measure(t.Context(), t.TempDir(), of); err == nil || !strings.Contains(err.Error(), "they must be green") {
		t.Errorf("error %v", err)
	}
}

func TestMeasure_PackageWithoutChecksGivesNoAnswer(t *testing.T) {
	of := sample()
	of.folder = "testdata"
	if _, err := measure(t.Context(), t.TempDir(), of); err == nil || !strings.Contains(err.Error(), "there are none") {
		t.Errorf("error %v", err)
	}
}

func TestMeasure_WovenPackageThatDoesNotCompileGivesNoAnswer(t *testing.T) {
	of := sample()
	of.packageName = "another"
	if _, err := measure(t.Context(), t.TempDir(), of); err == nil || !strings.Contains(err.Error(), "building the woven package") {
		t.Errorf("error %v", err)
	}
}

func TestJudge_CountsAndExceptions(t *testing.T) {
	made := func(change string, what fate) outcome {
		return outcome{mutant: mutant{file: "a.go", line: 1, function: "f", change: change}, fate: what}
	}
	outcomes := []outcome{made("killed", killed), made("hung", hung), made("excepted", survived), made("unanswered", unknown)}
	result := judge(outcomes, map[string]string{"f: excepted": "the caller checks too"})
	if result.killed != 1 || result.hung != 1 || result.allowed != 1 || !slices.Equal(result.problems, []string{"no test notices: a.go:1: f: unanswered"}) {
		t.Errorf("%+v", result)
	}
	if !strings.Contains(result.text, "ended by the deadline: a.go:1: f: hung") {
		t.Errorf("what hung is not listed: %s", result.text)
	}
	for name, exceptions := range map[string]map[string]string{
		"killed all the same": {"f: excepted": "a reason", "f: killed": "a reason"},
		"not there":           {"f: excepted": "a reason", "f: gone": "a reason"},
		"without a reason":    {"f: excepted": ""},
	} {
		if got := judge(outcomes, exceptions); len(got.problems) < 2 {
			t.Errorf("exception %s: problems %q, want one for it", name, got.problems)
		}
	}
}
