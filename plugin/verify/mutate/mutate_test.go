//go:build mutate

package mutate

import (
	"testing"
	"time"
)

// TestMutate takes every check of plugin/verify away. It takes minutes, so it
// runs by `make mutate` only.
func TestMutate_EveryCheckOfVerifyIsHeldByATest(t *testing.T) {
	began := time.Now()
	outcomes, err := measure(t.Context(), t.TempDir(), subject{
		folder: "..", packageName: "verify", deadline: time.Minute, workers: 2,
		progress: func(done, all int) {
			if done%50 == 0 {
				t.Logf("%d of %d mutants", done, all)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	result := judge(outcomes, exceptions())
	for _, problem := range result.problems {
		t.Error(problem)
	}
	t.Logf("%s\nin %s", result.text, time.Since(began).Round(time.Second))
}
