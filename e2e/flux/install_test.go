//go:build e2e

package flux_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/assay-gitops/assay/e2e/controlplane"
)

const manifests = "../../manifests/flux"

// What manifests/flux calls the controller's own.
const (
	controllerNamespace = "assay-system"
	controllerAccount   = "assay-source"
)

// install gives the cluster what manifests/flux installs. Nothing runs its
// Deployment here: the tests start the controller, with its rights.
func (p *plane) install(ctx context.Context) error {
	if err := p.Define(ctx, manifests+"/crd"); err != nil {
		return err
	}
	text, err := built("controller")
	if err != nil {
		return err
	}
	beside, err := os.ReadFile(filepath.Join(manifests, "flux-system", "allow-assay-source.yaml"))
	if err != nil {
		return err
	}
	return errors.Join(p.Apply(ctx, text), p.Apply(ctx, string(beside)))
}

// built is what kustomize makes of a folder of manifests/flux.
func built(folder string) (string, error) {
	made, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join(manifests, folder))
	if err != nil {
		return "", fmt.Errorf("building %s: %w", folder, err)
	}
	text, err := made.AsYaml()
	return string(text), err
}

// readable lets the controller act as the service accounts of the test's
// namespace.
func (w *world) readable() {
	w.t.Helper()
	text, err := built("accounts")
	must(w.t, err)
	w.apply(strings.ReplaceAll("\n"+text, "\nmetadata:\n", "\nmetadata:\n  namespace: $namespace\n"))
}

// The controllers' ports are these and the number of the controller: below those
// that the kernel gives to who asks for any.
const (
	storagePorts = 20000
	metricsPorts = 21000
	healthPorts  = 22000
	// mostControllers are as many as the tests may start.
	mostControllers = 100
)

func address(from, number int) string { return fmt.Sprintf("127.0.0.1:%d", from+number) }

// mostPlatforms are the platform's own namespaces. The tests get all but the last.
const mostPlatforms = 12

func platform(number int) string { return fmt.Sprintf("platform-%d", number) }

// closeWaysAround installs the admission policies, as the platform does, says
// who the platform is, and waits until they are in force.
func (p *plane) closeWaysAround(ctx context.Context) error {
	text, err := built("admission")
	if err != nil {
		return err
	}
	if err := p.Apply(ctx, text); err != nil {
		return err
	}
	namespaces, urls := previewed(), []string(nil)
	for i := range mostPlatforms {
		namespaces = append(namespaces, platform(i+1))
	}
	for i := range mostControllers {
		urls = append(urls, "http://"+address(storagePorts, i+1)+"/")
	}
	said := controlplane.Object{Kind: configMaps, Namespace: controlplane.FluxNamespace, Name: "assay-flux"}
	if err := p.Merge(ctx, said, fmt.Sprintf(`{"data":{"namespaces":%q,"urls":%q}}`, strings.Join(namespaces, "\n"), strings.Join(urls, "\n"))); err != nil {
		return err
	}
	return p.closed(ctx)
}

// open are objects that go around the gate, with the policies that refuse them.
func open() map[string]string {
	return map[string]string{
		"assay-flux-kustomizations":    "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: assay-open, namespace: default}\nspec: {interval: 1h, prune: true, sourceRef: {kind: GitRepository, name: open}}\n",
		"assay-flux-helmreleases":      "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: assay-open, namespace: default}\nspec: {interval: 1h, chartRef: {kind: OCIRepository, name: open}}\n",
		"assay-flux-externalartifacts": "apiVersion: source.toolkit.fluxcd.io/v1\nkind: ExternalArtifact\nmetadata: {name: assay-open, namespace: default}\nspec: {}\n",
	}
}

// closed waits until the policies refuse what goes around the gate, and let the
// platform's own pass.
func (p *plane) closed(ctx context.Context) error {
	kinds := map[string]string{"assay-flux-kustomizations": kustomizations, "assay-flux-helmreleases": helmReleases, "assay-flux-externalartifacts": externalArtifacts}
	for policy, object := range open() {
		err := controlplane.Until(ctx, func(ctx context.Context) error {
			refusal := p.Apply(ctx, object)
			if refusal != nil && strings.Contains(refusal.Error(), policy) {
				return nil
			}
			// An object that is there already is judged when it changes.
			gone := p.Delete(ctx, controlplane.Object{Kind: kinds[policy], Namespace: "default", Name: "assay-open"})
			return errors.Join(fmt.Errorf("the policy %s lets this pass: %s", policy, object), refusal, gone)
		})
		if err != nil {
			return err
		}
	}
	own := platform(mostPlatforms)
	if err := p.Apply(ctx, "apiVersion: v1\nkind: Namespace\nmetadata: {name: "+own+"}\n"); err != nil {
		return err
	}
	return controlplane.Until(ctx, func(ctx context.Context) error {
		return p.Apply(ctx, strings.Replace(open()["assay-flux-kustomizations"], "namespace: default", "namespace: "+own, 1))
	})
}
