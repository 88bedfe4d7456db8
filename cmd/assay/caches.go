package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/assay-gitops/assay/plugin/registry/facts"
	"github.com/assay-gitops/assay/plugin/report"
	"github.com/assay-gitops/assay/plugin/setup"
)

// cacheDir is the folder that outlives a run, where one is named. What
// registries said is kept in none by itself: a tag that was pushed a minute ago
// would else be what it was before.
func cacheDir() string { return os.Getenv("ASSAY_CACHE_DIR") }

// commandCaches are what a command keeps for the next one, as the environment
// says.
func commandCaches(w io.Writer) (setup.Options, error) {
	store, err := openFacts(cacheDir(), os.Getenv("ASSAY_CACHE_KEY"), func(err error) { fmt.Fprintln(w, "assay: "+report.Neutral(err.Error())) })
	return setup.Options{TrustDir: trustDir(cacheDir()), Facts: store}, err
}

// openFacts opens the cache of what registries said below a folder; nil without
// one. The key is the user's own unless a file is named.
func openFacts(dir, key string, tell func(error)) (*facts.Store, error) {
	if dir == "" {
		return nil, nil
	}
	if key == "" {
		state := os.Getenv("XDG_STATE_HOME")
		if !filepath.IsAbs(state) { // XDG base directory specification: others are ignored
			home, err := os.UserHomeDir()
			if err != nil {
				return nil, &exit{code: exitUsage, err: fmt.Errorf("looking for the cache's key: %w; name a file outside of the cache by ASSAY_CACHE_KEY", err)}
			}
			state = filepath.Join(home, ".local", "state")
		}
		key = filepath.Join(state, "assay", "cache.key")
	}
	store, err := setup.OpenFacts(dir, key, tell)
	if err != nil {
		return nil, &exit{code: exitUsage, err: err}
	}
	return store, nil
}
