//go:build e2e

// Package flux_test runs assay-source beside a real Flux, against a real API
// server: see e2e/controlplane for how. `make e2e-flux` builds the servers and
// runs it.
//
// Nobody collects garbage in this cluster: what an owner leaves behind stays, and
// so does a namespace. Each test has namespaces of its own. Nothing runs Pods
// either: a Deployment is never ready, and a Job ends when a test says so.
package flux_test

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/assay-gitops/assay/e2e/controlplane"
)

// plane is what all tests share. What a test changes (gate, registry,
// repository, controller, namespaces) it has for itself.
type plane struct {
	*controlplane.Cluster
	flux *controlplane.Flux
	// source is the program under test.
	source string
	// started counts controllers, and platforms the worlds in platform namespaces.
	started, platforms atomic.Int32
	// names are the tests' namespaces.
	names sync.Map
}

// shared is set by TestMain, which has no other way to hand it to the tests.
var shared *plane

func TestMain(m *testing.M) {
	os.Exit(controlplane.MainWith(m, "cmd/assay-source", func(ctx context.Context, cluster *controlplane.Cluster, built string) (err error) {
		shared = &plane{Cluster: cluster, source: built}
		if shared.flux, err = shared.StartFlux(ctx); err != nil {
			return err
		}
		if err = shared.install(ctx); err != nil {
			return err
		}
		return shared.closeWaysAround(ctx)
	}))
}
