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
	os.Exit(controlplane.Main(m, func(ctx context.Context, dir string) (stop func(), err error) {
		shared, err = start(ctx, dir)
		if shared.Cluster != nil {
			stop = shared.Stop
		}
		return stop, err
	}))
}

// start brings everything up. What it returns may be stopped also when there
// is an error.
func start(ctx context.Context, dir string) (*plane, error) {
	p := &plane{}
	var err error
	if p.source, err = controlplane.Build(ctx, "cmd/assay-source", dir); err != nil {
		return p, err
	}
	if p.Cluster, err = controlplane.Start(ctx, dir); err != nil {
		return p, err
	}
	if p.flux, err = p.StartFlux(ctx); err != nil {
		return p, err
	}
	if err = p.install(ctx); err != nil {
		return p, err
	}
	return p, p.closeWaysAround(ctx)
}
