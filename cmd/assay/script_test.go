package main

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/assay-gitops/assay/examples/showcase"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "render-worker" {
		main() // a worker that a test of this process started
	}
	// Most of these tests wait, for a registry that is slow or wants to be left
	// alone, so more of them run at a time than there are processors.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){"assay": main})
}

// TestScripts runs every command line of testdata as a process of its own. Each
// script starts in a folder with the showcase: shop/, denied/ and gate/, whose
// registry listens on loopback.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			show, err := showcase.Start(context.Background(), env.WorkDir)
			if err != nil {
				return err
			}
			env.Defer(func() { _ = show.Close() })
			env.Setenv("REGISTRY", show.Registry.Host())
			env.Setenv("DOCKER_CONFIG", filepath.Join(env.WorkDir, "no-docker-config"))
			for name, digest := range show.Digests {
				env.Setenv("DIGEST_"+filepath.Base(name[:len(name)-len(filepath.Ext(name))]), digest)
			}
			return os.MkdirAll(filepath.Join(env.WorkDir, ".git"), 0o755) // the top of the source tree
		},
	})
}
