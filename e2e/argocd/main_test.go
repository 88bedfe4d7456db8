//go:build e2e

// Package argocd_test runs assay as the plugin of a real Argo CD, against a
// real API server: see e2e/controlplane for how. `make e2e-argocd` builds the
// servers and runs it.
package argocd_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/e2e/controlplane"
)

// plane is what all tests share: it takes half a minute to start. What a test
// changes (gate, registry, repository, sidecar, namespaces) it has for itself.
type plane struct {
	*controlplane.Cluster
	argocd *controlplane.ArgoCD
	// assay is the program under test.
	assay string
}

// shared is set by TestMain, which has no other way to hand it to the tests.
var shared *plane

func TestMain(m *testing.M) {
	os.Exit(controlplane.MainWith(m, "cmd/assay", func(ctx context.Context, cluster *controlplane.Cluster, built string) (err error) {
		shared = &plane{Cluster: cluster, assay: built}
		if shared.argocd, err = shared.StartArgoCD(ctx, cmp.Or(os.Getenv("ASSAY_E2E_ARGOCD"), controlplane.Newest)); err != nil {
			return err
		}
		return shared.closeWaysAround(ctx)
	}))
}

// closeWaysAround installs the admission policies, as the platform does, and
// waits until they are in force.
func (p *plane) closeWaysAround(ctx context.Context) error {
	files, err := filepath.Glob("../../manifests/argocd/admission/*.yaml")
	if err != nil || len(files) < 2 {
		return fmt.Errorf("looking for the admission policies: %d files, %w", len(files), err)
	}
	for _, file := range files {
		if filepath.Base(file) == "kustomization.yaml" {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := p.Apply(ctx, string(text)); err != nil {
			return err
		}
	}
	for policy, around := range map[string]string{"assay-argocd-applications": open, "the ConfigMap assay-hydrator-projects": hydrating} {
		if err := p.closed(ctx, around, policy); err != nil {
			return err
		}
	}
	return nil
}

// closed waits until a way around is refused by a policy, which is in force then.
func (p *plane) closed(ctx context.Context, around, policy string) error {
	return controlplane.Until(ctx, func(ctx context.Context) error {
		if refusal := p.Apply(ctx, around); refusal != nil && strings.Contains(refusal.Error(), policy) {
			return nil
		} else if refusal != nil {
			return refusal
		}
		gone := p.Delete(ctx, controlplane.Object{Kind: applications, Namespace: controlplane.Namespace, Name: "open"})
		return errors.Join(fmt.Errorf("an Application passes that %s closes out", policy), gone)
	})
}

// open is an Application that goes around the gate.
const open = `
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: open, namespace: argocd}
spec:
  project: default
  source: {repoURL: "https://git.example.com/open", path: open}
  destination: {server: "https://kubernetes.default.svc", namespace: open}
`

// hydrating is one that the Source Hydrator would go around it with.
const hydrating = `
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: open, namespace: argocd}
spec:
  project: default
  sourceHydrator:
    drySource: {repoURL: "https://git.example.com/open", path: open, targetRevision: main, plugin: {name: assay}}
    syncSource: {targetBranch: live, path: open}
  destination: {server: "https://kubernetes.default.svc", namespace: open}
`
