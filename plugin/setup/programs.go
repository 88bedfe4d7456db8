package setup

import (
	"context"
	"log/slog"
	"path/filepath"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry/facts"
)

// OpenFacts opens what registries said to earlier processes, in a folder of its
// own below the cache folder; nil where there is no cache folder. The key lies
// outside of it.
func OpenFacts(cacheDir, keyFile string, tell func(error)) (*facts.Store, error) {
	if cacheDir == "" {
		return nil, nil
	}
	return facts.Open(facts.Options{Dir: filepath.Join(cacheDir, "facts"), KeyFile: keyFile, Bytes: plugin.DefaultLimits().CacheDiskBytes, Tell: tell})
}

// KeepTrust refreshes the trust roots of mirrors beside what the program does,
// until what it returns is called, which waits for the end. Failures and
// warnings go to the log.
func (s *Setup) KeepTrust(ctx context.Context, log *slog.Logger) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.keepTrust(ctx, func(err error) { log.Warn("a trust root needs attention", "problem", err.Error()) })
	}()
	return func() {
		cancel()
		<-done
	}
}

// LogWarnings writes what the gate's owners should mend to the log of a program
// that serves.
func (s *Setup) LogWarnings(log *slog.Logger) {
	for _, warning := range s.Warnings() {
		log.Warn("the gate has a warning", "rule", warning.Rule, "gate", warning.Gate, "warning", warning.Message, "hint", warning.Hint)
	}
}
