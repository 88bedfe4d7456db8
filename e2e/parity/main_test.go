//go:build e2e

// Package parity_test asks a real API server and assay's judge the same
// questions: every case is submitted to kube-apiserver as a dry run, and judged
// offline by the same policies, bindings, params and namespaces. Verdicts and
// messages must be equal; docs/parity.md lists where they are not.
// `make e2e-parity` builds the servers and runs it.
package parity_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/assay-gitops/assay/e2e/controlplane"
)

// shared is the API server that all tests ask. TestMain has no other way to
// hand it to them.
var shared *server

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	ctx, cancel := context.WithTimeoutCause(context.Background(), controlplane.Slowly, errors.New("the API server did not come up"))
	defer cancel()
	if code, inside, err := controlplane.Isolate(context.Background()); !inside {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		return code
	}
	dir, err := os.MkdirTemp("", "assay-parity-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	begun := time.Now()
	audit, flags, err := newAudit(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	cluster, err := controlplane.Start(ctx, dir, flags...)
	if cluster != nil {
		defer cluster.Stop()
	}
	if err == nil {
		shared, err = newServer(cluster, audit)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%v\nthe servers' logs are in %s\n", err, filepath.Join(dir, "logs"))
		return 1
	}
	fmt.Fprintf(os.Stderr, "the API server is up after %.1f s\n", time.Since(begun).Seconds())
	code := m.Run()
	if code != 0 {
		fmt.Fprintf(os.Stderr, "the servers' logs are in %s\n", filepath.Join(dir, "logs"))
		return code
	}
	_ = os.RemoveAll(dir) // only space would be lost
	return 0
}
