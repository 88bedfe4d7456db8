package controlplane

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Tests are the tests of a package; *testing.M is.
type Tests interface{ Run() int }

// Main runs a package's tests beside servers that start starts, in namespaces
// of their own ([Isolate]), and returns the exit code. The servers' state and
// all that tests write is in dir, which stays when something failed. What start
// returns to stop them is called also when it returns an error.
func Main(tests Tests, start func(ctx context.Context, dir string) (stop func(), err error)) int {
	if code, inside, err := Isolate(context.Background()); !inside {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		return code
	}
	dir, err := os.MkdirTemp("", "assay-e2e-")
	if err == nil {
		// What tests write is below the one folder that all servers see.
		temporary := filepath.Join(dir, "tmp")
		err = errors.Join(os.Mkdir(temporary, 0o700), os.Setenv("TMPDIR", temporary))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return beside(tests, dir, start)
}

func beside(tests Tests, dir string, start func(ctx context.Context, dir string) (stop func(), err error)) int {
	ctx, cancel := context.WithTimeoutCause(context.Background(), Slowly, errors.New("the servers did not come up"))
	defer cancel()
	begun := time.Now()
	stop, err := start(ctx, dir)
	if stop != nil {
		defer stop()
	}
	logs := filepath.Join(dir, "logs")
	if err != nil {
		fmt.Fprintf(os.Stderr, "%v\nthe servers' logs are in %s\n", err, logs)
		return 1
	}
	fmt.Fprintf(os.Stderr, "the servers are up after %.1f s\n", time.Since(begun).Seconds())
	if code := tests.Run(); code != 0 {
		fmt.Fprintf(os.Stderr, "the servers' logs are in %s\n", logs)
		return code
	}
	_ = os.RemoveAll(dir) // only space would be lost
	return 0
}
