package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/assay-gitops/assay/plugin/report"
	"github.com/assay-gitops/assay/plugin/setup"
)

// How a command brings trust roots of mirrors up to date before it begins: a
// copy of less than a day is used as it is, and a mirror that is slow or down
// does not hold a run up for longer than the budget.
const (
	trustAge    = 24 * time.Hour
	trustBudget = 10 * time.Second
)

// trustDir is where the last good copies of trust roots are kept: in the cache
// folder that was named, else in the user's own. Without one they are fetched
// for each run.
func trustDir(cacheDir string) string {
	if cacheDir != "" {
		return filepath.Join(cacheDir, "trust")
	}
	if dir, err := os.UserCacheDir(); err == nil {
		return filepath.Join(dir, "assay", "trust")
	}
	return ""
}

// refreshTrust asks the mirrors, where there are any, and says on w what went
// wrong; the run goes on with the last good copies.
func refreshTrust(ctx context.Context, s *setup.Setup, w io.Writer) {
	if !s.HasMirrors() {
		return
	}
	budget, cancel := context.WithTimeoutCause(ctx, trustBudget, fmt.Errorf("the mirror took longer than %s", trustBudget))
	defer cancel()
	if err := s.RefreshTrust(budget, trustAge); err != nil {
		fmt.Fprintln(w, "assay: trust roots: "+report.Neutral(err.Error())+"; going on with the last good copies")
	}
	for _, warning := range s.TrustWarnings() {
		fmt.Fprintln(w, "assay: "+report.Neutral(warning.Message))
	}
}
