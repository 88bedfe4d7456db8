package setup_test

import (
	"os"
	"testing"

	"github.com/assay-gitops/assay/e2e/bench/cpu"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/render"
	"github.com/assay-gitops/assay/plugin/setup"
)

// TestMain lets the test binary stand for the render workers that it starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "render-worker" {
		if err := render.WorkerMain(os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// BenchmarkNew_DefaultGate is what a process pays before its first rendering.
func BenchmarkNew_DefaultGate(b *testing.B) {
	cpu.Measure(b, func() {
		s, err := setup.New(setup.Options{Config: gate.Default()})
		check(b, err)
		s.Close()
	})
}

// BenchmarkWarm judges again what was judged before: the rendering is in
// memory and the registry's answers are fresh. Rendering is the same without
// what comes after it; the budget is the difference.
func BenchmarkWarm(b *testing.B) {
	w := newWorld(b)
	source := w.kustomize(b, "w1", w1())
	for _, each := range []struct {
		name     string
		isolated bool
	}{{"InProcess", false}, {"Isolated", true}} {
		s := w.newSetup(b, func(o *setup.Options) { o.Isolated = each.isolated })
		allowed(b, s, source, w1().objects())
		pipeline, err := s.Pipeline(source)
		check(b, err)
		b.Run(each.name+"/Rendering", func(b *testing.B) {
			cpu.Measure(b, func() {
				_, err := pipeline.Renderer.Render(b.Context(), source)
				check(b, err)
			})
		})
		b.Run(each.name+"/Run", func(b *testing.B) {
			cpu.Measure(b, func() { s.Judge(b.Context(), source) })
		})
	}
}

// BenchmarkChanged is the first run after a commit: the tree renders anew, by
// the hop to a worker or in this process, and the registry's answers are fresh.
func BenchmarkChanged(b *testing.B) {
	w := newWorld(b)
	source := w.kustomize(b, "w1", w1())
	for _, each := range []struct {
		name     string
		isolated bool
	}{{"InProcess", false}, {"Isolated", true}} {
		s := w.newSetup(b, func(o *setup.Options) { o.Isolated = each.isolated })
		allowed(b, s, source, w1().objects())
		pipeline, err := s.Pipeline(source)
		check(b, err)
		commit := 0
		b.Run(each.name+"/Rendering", func(b *testing.B) {
			cpu.Measure(b, func() {
				commit++
				w.commit(b, source, commit)
				_, err := pipeline.Renderer.Render(b.Context(), source)
				check(b, err)
			})
		})
		b.Run(each.name+"/Run", func(b *testing.B) {
			cpu.Measure(b, func() {
				commit++
				w.commit(b, source, commit)
				s.Judge(b.Context(), source)
			})
		})
	}
}

// BenchmarkStream judges rendered text, warm: ten times the objects should be
// ten times the work.
func BenchmarkStream(b *testing.B) {
	w := newWorld(b)
	s := w.newSetup(b, nil)
	for _, each := range []struct {
		name string
		size size
	}{{"200", size{90, 90, 20}}, {"2000", size{900, 900, 200}}} {
		source := w.stream(b, each.size)
		b.Run(each.name, func(b *testing.B) {
			cpu.Measure(b, func() { allowed(b, s, source, each.size.objects()) })
		})
	}
}
