//go:build e2e

// Package parity_test asks a real API server and assay's judge the same
// questions: every case is submitted to kube-apiserver as a dry run, and judged
// offline by the same policies, bindings, params and namespaces. Verdicts and
// messages must be equal; docs/parity.md lists where they are not.
// `make e2e-parity` builds the servers and runs it.
package parity_test

import (
	"context"
	"os"
	"testing"

	"github.com/assay-gitops/assay/e2e/controlplane"
)

// shared is the API server that all tests ask. TestMain has no other way to
// hand it to them.
var shared *server

func TestMain(m *testing.M) {
	os.Exit(controlplane.Main(m, start))
}

func start(ctx context.Context, dir string) (stop func(), err error) {
	audit, flags, err := newAudit(dir)
	if err != nil {
		return nil, err
	}
	cluster, err := controlplane.Start(ctx, dir, flags...)
	if cluster != nil {
		stop = cluster.Stop
	}
	if err == nil {
		shared, err = newServer(cluster, audit)
	}
	return stop, err
}
