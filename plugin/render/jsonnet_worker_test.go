//go:build linux && (amd64 || arm64)

package render

import (
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

func TestWorkers_JsonnetThatNeverEndsOrEatsMemoryIsDenied(t *testing.T) {
	workers := newWorkers(t, func(options *WorkerOptions) {
		options.Count, options.Limits.RenderMemory, options.Limits.RenderSeconds = 1, 200<<20, 3
	})
	for text, want := range map[string]string{
		"local f(n) = std.foldl(function(sum, i) sum + (if n == 0 then 1 else f(n - 1)), std.range(1, 100), 0); f(20)": "renderSeconds",
		"local f(s, n) = if n == 0 then s else f(s + s, n - 1); f('a', 40)":                                            "renderMemory",
		"std.foldl(function(a, i) [a], std.range(1, 100000000), {})":                                                   "renderMemory",
	} {
		_, err := workers.Render(t.Context(), plugin.Source{Path: ".", Root: writeTree(t, map[string]string{"a.jsonnet": text})})
		refused(t, err, ruleLimit, want)
	}
	if _, err := workers.Render(t.Context(), plugin.Source{Path: ".", Root: writeTree(t, map[string]string{"a.jsonnet": goodSonnet})}); err != nil {
		t.Errorf("their twin: %v", err)
	}
}
