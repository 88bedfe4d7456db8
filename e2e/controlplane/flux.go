package controlplane

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
)

// FluxNamespace is Flux's own.
const FluxNamespace = "flux-system"

// fluxSet is the set of servers that makes a Flux.
const fluxSet = "flux"

// FluxSources is where the source-controller serves artifacts.
const FluxSources = "127.0.0.1:9790"

// Flux is a Flux that fetches and applies, and tells nobody: the controllers of
// sources, Kustomizations and HelmReleases.
type Flux struct {
	// Source, Kustomize and Helm are its servers.
	Source, Kustomize, Helm *Process

	cluster *Cluster
	// folder has the programs.
	folder string
	dir    string
}

// StartFlux starts Flux's controllers from e2e/servers, with ExternalArtifacts
// switched on, under their own service accounts, and waits until they are
// ready, no longer than the context.
func (c *Cluster) StartFlux(ctx context.Context) (*Flux, error) {
	folder, err := servers(ctx, fluxSet)
	if err != nil {
		return nil, err
	}
	f := &Flux{cluster: c, folder: folder, dir: filepath.Join(c.Dir, fluxSet)}
	for _, step := range []func(context.Context) error{f.prepare, f.launch, f.ready} {
		if err := step(ctx); err != nil {
			return nil, fmt.Errorf("starting Flux: %w", err)
		}
	}
	return f, nil
}

// DefineFlux gives the cluster Flux's kinds, without its controllers.
func (c *Cluster) DefineFlux(ctx context.Context) error {
	folder, err := servers(ctx, fluxSet)
	if err != nil {
		return err
	}
	return c.Define(ctx, filepath.Join(folder, "crds"))
}

// Processes are Flux's servers.
func (f *Flux) Processes() []*Process { return []*Process{f.Source, f.Kustomize, f.Helm} }

func (f *Flux) path(name string) string { return filepath.Join(f.dir, name) }

// prepare makes the controllers' folders, resources and accounts.
func (f *Flux) prepare(ctx context.Context) error {
	for _, folder := range []string{"artifacts", "tmp", "home"} {
		if err := os.MkdirAll(f.path(folder), 0o700); err != nil {
			return err
		}
	}
	if err := f.cluster.DefineFlux(ctx); err != nil {
		return err
	}
	return f.cluster.Apply(ctx, accounts)
}

// accounts are those of Flux's own manifests. They have every right, as two of
// them have there: what they may not do is for admission policies to say.
const accounts = `
apiVersion: v1
kind: Namespace
metadata: {name: flux-system}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: source-controller, namespace: flux-system}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: kustomize-controller, namespace: flux-system}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: helm-controller, namespace: flux-system}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: cluster-reconciler}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects:
- {kind: ServiceAccount, name: source-controller, namespace: flux-system}
- {kind: ServiceAccount, name: kustomize-controller, namespace: flux-system}
- {kind: ServiceAccount, name: helm-controller, namespace: flux-system}
`

// fluxServer is one controller. Its ports are fixed.
type fluxServer struct {
	name, metrics, health string
	more                  []string
}

func (f *Flux) servers() []fluxServer {
	const external = "--feature-gates=ExternalArtifact=true"
	// What has to wait for something else asks again after half a minute by
	// default, which is half of the time that all tests may take.
	const hasty = "--requeue-dependency=2s"
	// Nine retries of a download, each later than the one before, hold a worker
	// for minutes.
	const fewer = "--http-retry=2"
	return []fluxServer{
		{"source-controller", "127.0.0.1:8191", "127.0.0.1:9441", []string{
			"--storage-path", f.path("artifacts"), "--storage-addr", FluxSources, "--storage-adv-addr", FluxSources, hasty,
		}},
		{"kustomize-controller", "127.0.0.1:8192", "127.0.0.1:9442", []string{external, hasty, fewer}},
		{"helm-controller", "127.0.0.1:8193", "127.0.0.1:9443", []string{external, hasty, fewer}},
	}
}

func (f *Flux) launch(ctx context.Context) error {
	for i, server := range f.servers() {
		kubeconfig, err := f.cluster.KubeconfigOf(ctx, FluxNamespace, server.name)
		if err != nil {
			return err
		}
		process, err := f.cluster.launch(Command{
			Name: server.name,
			Args: append([]string{
				filepath.Join(f.folder, server.name), "--metrics-addr", server.metrics, "--health-addr", server.health, "--concurrent", "10",
			}, server.more...),
			Env: []string{"KUBECONFIG=" + kubeconfig, "RUNTIME_NAMESPACE=" + FluxNamespace, "TMPDIR=" + f.path("tmp"), "HOME=" + f.path("home")},
		})
		if err != nil {
			return err
		}
		*[]**Process{&f.Source, &f.Kustomize, &f.Helm}[i] = process
	}
	return nil
}

func (f *Flux) ready(ctx context.Context) error {
	for i, process := range f.Processes() {
		if err := process.Ready(ctx, Answers(http.DefaultClient, "http://"+f.servers()[i].health+"/readyz")); err != nil {
			return err
		}
	}
	return nil
}
