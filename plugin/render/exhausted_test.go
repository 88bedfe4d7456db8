package render

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

func TestExhausted_TheSameSourceIsRefusedUntilItChangesOrMinutesPass(t *testing.T) {
	var now atomic.Int64
	files := map[string]string{"app/Chart.yaml": goodChart, "lib/a.yaml": goodConfigMap}
	limit := overLimit("renderSeconds", plugin.DefaultLimits(), plugin.Origin{File: "app"})
	for name, test := range map[string]struct {
		change func(root string, source *plugin.Source) error
		again  bool
	}{
		"nothing changed":     {func(string, *plugin.Source) error { return nil }, false},
		"another revision":    {func(_ string, s *plugin.Source) error { s.Revision = "r2"; return nil }, false},
		"the same files anew": {func(_ string, s *plugin.Source) error { s.Root = writeTree(t, files); return nil }, false},
		"a file changed, of the same size": {func(root string, _ *plugin.Source) error {
			return os.WriteFile(filepath.Join(root, "lib/a.yaml"), []byte(goodConfigMap[:len(goodConfigMap)-2]+"b\n"), 0o600)
		}, true},
		"a file more": {func(root string, _ *plugin.Source) error {
			return os.WriteFile(filepath.Join(root, "b"), nil, 0o600)
		}, true},
		"a file less":         {func(root string, _ *plugin.Source) error { return os.Remove(filepath.Join(root, "lib/a.yaml")) }, true},
		"a link":              {func(root string, _ *plugin.Source) error { return os.Symlink("lib", filepath.Join(root, "x")) }, true},
		"another parameter":   {func(_ string, s *plugin.Source) error { s.Parameters.Helm.Values = "a: b"; return nil }, true},
		"another folder":      {func(_ string, s *plugin.Source) error { s.Path = "lib"; return nil }, true},
		"another application": {func(_ string, s *plugin.Source) error { s.Application.Name = "b"; return nil }, true},
		"just before the end": {func(string, *plugin.Source) error { now.Store(int64(exhaustedFor) - 1); return nil }, false},
		"at the end":          {func(string, *plugin.Source) error { now.Store(int64(exhaustedFor)); return nil }, true},
	} {
		t.Run(name, func(t *testing.T) {
			now.Store(0)
			memory := newExhausted(func() time.Time { return time.Unix(0, now.Load()) })
			source := plugin.Source{Root: writeTree(t, files), Path: "app", Revision: "r1", Application: plugin.Application{Name: "a"}}
			if err := memory.find(source); err != nil {
				t.Fatalf("refused before anything was rendered: %v", err)
			}
			memory.keep(source, limit)
			if err := test.change(source.Root.Name(), &source); err != nil {
				t.Fatal(err)
			}
			err := memory.find(source)
			if test.again && err != nil {
				t.Errorf("refused: %v", err)
			}
			if !test.again {
				refused(t, err, ruleLimit, "renderSeconds")
			}
		})
	}
}

func TestExhausted_OnlyLimitsAreKeptAndNotWithoutEnd(t *testing.T) {
	memory := newExhausted(nil)
	limit := overLimit("renderMemory", plugin.DefaultLimits(), plugin.Origin{})
	source := plugin.Source{Root: writeTree(t, nil), Path: "."}
	for name, err := range map[string]error{
		"no answer": stopped(source, os.ErrDeadlineExceeded), "another rule": invalid(plugin.Origin{}, "x", nil), "none": nil,
	} {
		if memory.keep(source, err); memory.find(source) != nil {
			t.Errorf("%s is remembered", name)
		}
	}
	for i := range 2 * maxExhausted {
		source.Application.Name = fmt.Sprint(i)
		memory.keep(source, limit)
	}
	if len(memory.byInput) != maxExhausted {
		t.Errorf("%d are remembered, want %d", len(memory.byInput), maxExhausted)
	}
	if memory.find(source) == nil {
		t.Error("the last one is not remembered")
	}
	piped := plugin.Source{Rendered: []byte("x")}
	if memory.keep(piped, limit); memory.find(piped) != nil {
		t.Error("standard input is remembered")
	}
}
