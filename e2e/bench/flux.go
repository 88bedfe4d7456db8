package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/assay-gitops/assay/e2e/controlplane"
)

const fluxHead = "| the controller for Flux | figure | budget |\n|---|---|---|"

// run is what [controlplane.Main] calls beside its servers.
type run func() int

// Run implements [controlplane.Tests].
func (r run) Run() int { return r() }

// measureFlux measures assay-source beside an API server, in namespaces of its
// own, and returns the exit code. Flux's controllers are not there: what their
// status says is written by the benchmark.
func measureFlux(ctx context.Context, o options) int {
	var cluster *controlplane.Cluster
	measured := run(func() int {
		err := o.writeTables(ctx, []table{{"flux", func(ctx context.Context) (string, error) { return fluxTable(ctx, o, cluster) }}})
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			return 1
		}
		return 0
	})
	return controlplane.Main(measured, func(ctx context.Context, dir string) (stop func(), err error) {
		if cluster, err = controlplane.Start(ctx, dir); err != nil {
			return cluster.Stop, err
		}
		if err := cluster.DefineFlux(ctx); err != nil {
			return cluster.Stop, err
		}
		return cluster.Stop, cluster.Define(ctx, "manifests/flux/crd")
	})
}

// fluxTable measures two controllers, one after the other.
func fluxTable(ctx context.Context, o options, cluster *controlplane.Cluster) (string, error) {
	b, err := prepare(ctx, o, filepath.Join(cluster.Dir, "bench"))
	if err != nil {
		return "", err
	}
	defer b.close()
	program, err := controlplane.Build(ctx, "cmd/assay-source", cluster.Dir)
	if err != nil {
		return "", err
	}
	if err := cluster.Apply(ctx, "apiVersion: v1\nkind: Namespace\nmetadata: {name: "+fluxNamespace+"}\n"); err != nil {
		return "", err
	}
	lines := []string{fluxHead}
	for _, row := range []func(*gatedSources, context.Context) (string, error){(*gatedSources).newArtifact, (*gatedSources).rounds} {
		line, err := besideController(ctx, b, cluster, program, row)
		if err != nil {
			return "", err
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n") + "\n", nil
}

// besideController measures one controller, from its start to its end.
func besideController(ctx context.Context, b *bench, cluster *controlplane.Cluster, program string, row func(*gatedSources, context.Context) (string, error)) (string, error) {
	g := &gatedSources{bench: b, cluster: cluster, artifacts: filepath.Join(b.dir, "artifacts")}
	if err := os.MkdirAll(g.artifacts, 0o755); err != nil {
		return "", err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	g.url = "http://" + listener.Addr().String()
	files := &http.Server{Handler: http.FileServer(http.Dir(g.artifacts)), ReadHeaderTimeout: time.Minute}
	go func() { _ = files.Serve(listener) }() // ends with Close
	defer files.Close()
	if err := g.start(ctx, program); err != nil {
		return "", err
	}
	defer g.process.Stop()
	line, err := row(g, ctx)
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, g.process.Tail(20))
	}
	return line, nil
}

// gatedSources are a running assay-source and what it is asked about.
type gatedSources struct {
	*bench
	cluster *controlplane.Cluster
	process *controlplane.Process
	// artifacts is what is served at url.
	artifacts, url string
}

// Where everything of the benchmark lies, and where the controller listens.
const (
	fluxNamespace = "shop"
	fluxHealth    = "127.0.0.1:9460"
	fluxMetrics   = "127.0.0.1:8460"
	fluxStorage   = "127.0.0.1:9790"
)

func (g *gatedSources) start(ctx context.Context, program string) error {
	storage, err := os.MkdirTemp(g.dir, "storage-")
	if err != nil {
		return err
	}
	g.process, err = controlplane.Launch(controlplane.Command{
		Name: "assay-source", Logs: g.cluster.Logs(), Env: []string{"KUBECONFIG=" + g.cluster.Kubeconfig},
		Args: []string{
			program, "--gate", g.gate, "--storage-path", storage, "--storage-addr", fluxStorage, "--storage-adv-addr", fluxStorage, "--source-hosts", "127.0.0.1",
			"--metrics-addr", fluxMetrics, "--health-addr", fluxHealth,
		},
	})
	if err != nil {
		return err
	}
	timed, cancel := context.WithTimeout(ctx, controlplane.Slowly)
	defer cancel()
	return g.process.Ready(timed, controlplane.Answers(http.DefaultClient, "http://"+fluxHealth+"/readyz"))
}

// The kinds that the benchmark reads and writes.
const (
	gitRepositories   = "GitRepository.v1.source.toolkit.fluxcd.io"
	externalArtifacts = "ExternalArtifact.v1.source.toolkit.fluxcd.io"
	gatedSourceKind   = "GatedSource.v1alpha1.assay.dev"
)

func (g *gatedSources) object(kind, name string) controlplane.Object {
	return controlplane.Object{Kind: kind, Namespace: fluxNamespace, Name: name}
}

// declare makes a GitRepository without an artifact, and a GatedSource of it.
func (g *gatedSources) declare(ctx context.Context, name, path string) error {
	return g.cluster.Apply(ctx, fmt.Sprintf(`
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: %[1]s, namespace: %[2]s}
spec: {interval: 10m, url: "https://git.example.com/team-a/%[1]s"}
---
apiVersion: assay.dev/v1alpha1
kind: GatedSource
metadata: {name: %[1]s, namespace: %[2]s}
spec:
  interval: 10m
  sourceRef: {kind: GitRepository, name: %[1]s}
  paths: [%[3]q]
`, name, fluxNamespace, path))
}

// pushed is an artifact that lies on the file server, as a source's status says
// it.
type pushed struct{ revision, digest, status string }

// push packs a folder.
func (g *gatedSources) push(folder, commit string) (pushed, error) {
	data, err := pack(g.dir, folder)
	if err != nil {
		return pushed{}, err
	}
	sum := fmt.Sprintf("%x", sha256.Sum256(data))
	p := pushed{revision: "main@sha1:" + commit, digest: "sha256:" + sum}
	p.status = fmt.Sprintf(`{"status":{"artifact":{"digest":%q,"lastUpdateTime":%q,"path":%q,"revision":%q,"size":%d,"url":%q}}}`,
		p.digest, time.Now().UTC().Format(time.RFC3339), sum+".tar.gz", p.revision, len(data), g.url+"/"+sum+".tar.gz")
	return p, os.WriteFile(filepath.Join(g.artifacts, sum+".tar.gz"), data, 0o644)
}

// medianOf is the middle of what was measured.
func medianOf(taken []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(taken))
	return sorted[len(sorted)/2]
}
