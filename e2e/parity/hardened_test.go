//go:build e2e

package parity_test

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	others "github.com/assay-gitops/assay/e2e/corpus"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/harden"
)

// release is a published module with manifests in it, and its checksum.
type release struct{ module, sum string }

func releases() map[string]release {
	return map[string]release{
		"argo-cd":           {"github.com/argoproj/argo-cd/v3@v3.5.7", "h1:Xm1BF+I5OgDKUG3SDK49vn2/Y5AMyaNVko+/JT08gj0="},
		"gatekeeper":        {"github.com/open-policy-agent/gatekeeper/v3@v3.23.1", "h1:njHTm0SJ6ZEhhEgmQTpJKTGQbc99fSs4hGiEp1OIKck="},
		"kyverno":           {"github.com/kyverno/kyverno@v1.19.1", "h1:/MkgFii3/VlQfKR1JpC9tVwNNVNQTt2S4U6qCsafsTU="},
		"policy-controller": {"github.com/sigstore/policy-controller@v0.13.1", "h1:Woy+6bQ7pT/0m3/PSO2RtDxSHKBZ/8iHpCZFcZJThM8="},
	}
}

// hardened are the applications that are hardened: the examples, traps, what
// real projects install themselves with, and the API's own test data.
func hardened(ctx context.Context) ([]others.Application, error) {
	folders := map[string]string{"examples": root + "/examples"}
	for name, module := range map[string]string{"helm": "helm.sh/helm/v4", "kustomize": "sigs.k8s.io/kustomize/api", "kubernetes": "k8s.io/kubernetes", "pod-security": "k8s.io/pod-security-admission"} {
		dir, err := others.Required(ctx, module)
		if err != nil {
			return nil, err
		}
		folders[name] = dir
	}
	for _, below := range []string{"cluster", "test/e2e/testing-manifests", "test/fixtures", "hack/testdata"} {
		folders["kubernetes/"+below] = filepath.Join(folders["kubernetes"], below)
	}
	delete(folders, "kubernetes")
	for _, level := range []string{"baseline", "restricted"} {
		folders["pod-security/"+level] = filepath.Join(folders["pod-security"], "test/testdata", level, "v1.37")
	}
	delete(folders, "pod-security")
	for name, each := range releases() {
		dir, err := others.Module(ctx, each.module, each.sum)
		if err != nil {
			return nil, err
		}
		folders[name] = dir
	}
	all := []others.Application{others.Traps()}
	for _, name := range slices.Sorted(maps.Keys(folders)) {
		found, err := others.Applications(ctx, name, folders[name])
		if err != nil || len(found) == 0 {
			return nil, fmt.Errorf("%s holds %d applications: %w", name, len(found), err)
		}
		all = append(all, found...)
	}
	return all, nil
}

// hardeners are every profile, and one that is asked for everything.
func hardeners() (map[string]*harden.Hardener, error) {
	everything := gate.Harden{
		ReadOnlyRootFilesystem: true, EmptyDirSize: "64Mi", ServiceAccountTokens: true, AppArmor: true, UserNamespaces: true,
		Resources:         gate.Resources{Requests: gate.Amounts{CPU: "50m", Memory: "64Mi"}, Limits: gate.Amounts{CPU: "500m", Memory: "256Mi"}},
		PodSecurityLabels: "restricted", NetworkPolicies: gate.NetworkBoth,
	}
	all := map[string]*harden.Hardener{}
	for name, config := range map[string]harden.Config{
		"baseline": {Profile: "profile/baseline@1"}, "restricted": {Profile: "profile/restricted@1"}, "openshift": {Profile: "profile/openshift@1"},
		"everything": {Profile: "profile/restricted@1", More: everything, Namespaces: []gate.Namespace{{Name: home, Owned: true}}},
		"more alone": {Profile: "none", More: everything, Namespaces: []gate.Namespace{{Name: home, Owned: true}}},
	} {
		var err error
		if all[name], err = harden.New(config); err != nil {
			return nil, err
		}
	}
	return all, nil
}
