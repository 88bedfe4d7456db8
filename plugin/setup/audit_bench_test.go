package setup_test

import (
	"path/filepath"
	"testing"

	"github.com/assay-gitops/assay/e2e/bench/cpu"
	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/audit"
	"github.com/assay-gitops/assay/plugin/report"
	"github.com/assay-gitops/assay/plugin/setup"
)

// audited is a verdict of 110 objects and 20 images, and what is said about it.
func audited(tb testing.TB) (*setup.Setup, plugin.Source, *plugin.Verdict, func(*plugin.Verdict) audit.About) {
	tb.Helper()
	w := newWorld(tb)
	source := w.kustomize(tb, "w1", w1())
	s := w.newSetup(tb, nil)
	v := allowed(tb, s, source, w1().objects())
	digests, err := s.Digests()
	check(tb, err)
	return s, source, v, func(v *plugin.Verdict) audit.About {
		return audit.About{GateDigest: digests.For(v.Application, v.Path, v.RepositoryPath), Door: report.Door{Log: "the log", Again: "soon"}, Version: "1"}
	}
}

// BenchmarkAudit is what the audit log costs a verdict: its record and its line in
// a file, beside the warm run that made it.
func BenchmarkAudit(b *testing.B) {
	s, source, v, about := audited(b)
	file := audit.File(filepath.Join(b.TempDir(), "audit.jsonl"), audit.DefaultLogBytes)
	defer func() { _ = file.Close() }()
	write := audit.Lines(file)
	b.Run("Record", func(b *testing.B) {
		cpu.Measure(b, func() { audit.From(v, about(v)) })
	})
	b.Run("Line", func(b *testing.B) {
		cpu.Measure(b, func() { check(b, write(b.Context(), audit.Entry{Record: audit.From(v, about(v))})) })
	})
	b.Run("Run", func(b *testing.B) {
		cpu.Measure(b, func() { s.Judge(b.Context(), source) })
	})
}

// TestBudget_AuditAllocatesLittle: what it allocates is bounded by what stands in
// the record, and is little beside the run.
func TestBudget_AuditAllocatesLittle(t *testing.T) {
	s, source, v, about := audited(t)
	write := audit.Lines(discard{})
	log := testing.AllocsPerRun(20, func() { check(t, write(t.Context(), audit.Entry{Record: audit.From(v, about(v))})) })
	run := testing.AllocsPerRun(5, func() { s.Judge(t.Context(), source) })
	if log > run/20 {
		t.Errorf("the audit log allocates %.0f times, the run %.0f times", log, run)
	}
}

type discard struct{}

func (discard) Write(data []byte) (int, error) { return len(data), nil }
