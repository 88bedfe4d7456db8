package main

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/assay-gitops/assay/examples/showcase"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "render-worker" {
		main() // a worker that a test of this process started
	}
	if flag.Lookup("update") == nil { // helm's library brings one along
		flag.Bool("update", false, "write what the commands print into the scripts of testdata")
	}
	// Most of these tests wait, for a registry that is slow or wants to be left
	// alone, so more of them run at a time than there are processors.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){"assay": main})
}

// TestScripts runs every command line of testdata as a process of its own. Each
// script starts in a folder with the showcase: shop/, cart/ and gate/, whose
// registry listens on loopback.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		UpdateScripts:       flag.Lookup("update").Value.String() == "true",
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"movetag": moveTag, "asked": asked},
		Setup: func(env *testscript.Env) error {
			show, err := showcase.Start(context.Background(), env.WorkDir)
			if err != nil {
				return err
			}
			env.Defer(func() { _ = show.Close() })
			env.Values["showcase"] = show
			env.Setenv("REGISTRY", show.Registry.Host())
			env.Setenv("UNTIL", inDays(30))
			env.Setenv("SOON", inDays(3))
			env.Setenv("DOCKER_CONFIG", filepath.Join(env.WorkDir, "no-docker-config"))
			for name, digest := range show.Digests {
				env.Setenv("DIGEST_"+filepath.Base(name[:len(name)-len(filepath.Ext(name))]), digest)
			}
			return os.MkdirAll(filepath.Join(env.WorkDir, ".git"), 0o755) // the top of the source tree
		},
	})
}

// moveTag is a command of scripts: it moves a tag of the showcase's registry,
// REPOSITORY:TAG, to a build that the tagged image's signer has signed.
func moveTag(script *testscript.TestScript, _ bool, args []string) {
	show, ok := script.Value("showcase").(*showcase.Showcase)
	if !ok || len(args) != 1 {
		script.Fatalf("usage: movetag REPOSITORY:TAG")
	}
	tag, err := name.NewTag(show.Registry.Host() + "/" + args[0])
	script.Check(err)
	old, err := remote.Image(tag)
	script.Check(err)
	moved, err := mutate.CreatedAt(old, v1.Time{Time: time.Now()})
	script.Check(err)
	script.Check(remote.Write(tag, moved))
	digest, err := moved.Digest()
	script.Check(err)
	script.Check(show.Sigstore.SignBundle(context.Background(), tag.Digest(digest.String()), throwaway.Signer{Key: show.Key}))
}

// asked is a command of scripts: it succeeds when the showcase's registry was
// asked something since the last time.
func asked(script *testscript.TestScript, not bool, args []string) {
	show, ok := script.Value("showcase").(*showcase.Showcase)
	if !ok || len(args) != 0 {
		script.Fatalf("usage: asked")
	}
	requests := show.Registry.Requests()
	show.Registry.ResetRequests()
	if (len(requests) > 0) == not {
		script.Fatalf("the registry had %d requests", len(requests))
	}
}
