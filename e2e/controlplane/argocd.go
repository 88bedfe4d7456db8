package controlplane

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Namespace is Argo CD's own.
const Namespace = "argocd"

const (
	redis      = "127.0.0.1:6379"
	repoServer = "127.0.0.1:8081"
	committer  = "127.0.0.1:8086"
)

// The sets of servers that make an Argo CD.
const (
	// Newest is Argo CD 3.5.
	Newest = "argocd"
	// Oldest is Argo CD 2.14: it does not tell plugins the AppProject, and its
	// Source Hydrator knows no plugins.
	Oldest = "argocd2"
)

// ArgoCD is an Argo CD without its API server: the repo-server renders, the
// application controller compares and syncs, the commit server writes hydrated
// branches.
type ArgoCD struct {
	// Set is which one it is.
	Set string
	// Plugins is the folder of the plugins' sockets.
	Plugins string
	// Tools is where the repo-server looks first for the programs that it runs. It
	// is empty until a test puts some there.
	Tools string
	// Controller, RepoServer and Commit are its servers.
	Controller, RepoServer, Commit *Process

	cluster *Cluster
	// folder has the programs.
	folder string
	dir    string
	env    []string
}

// StartArgoCD starts redis and Argo CD from a set of e2e/servers and waits
// until they listen, no longer than the context.
func (c *Cluster) StartArgoCD(ctx context.Context, set string) (*ArgoCD, error) {
	folder, err := servers(ctx, set)
	if err != nil {
		return nil, err
	}
	a := &ArgoCD{Set: set, cluster: c, folder: folder, dir: filepath.Join(c.Dir, set)}
	a.Plugins, a.Tools = a.path("plugins"), a.path("tools")
	for _, step := range []func(context.Context) error{a.prepare, a.define, a.startRedis, a.startRepoServer, a.startCommit, a.startController} {
		if err := step(ctx); err != nil {
			return nil, fmt.Errorf("starting Argo CD: %w", err)
		}
	}
	return a, nil
}

// DefineArgoCD gives the cluster the resources and the configuration of Argo CD,
// without any of its servers.
func (c *Cluster) DefineArgoCD(ctx context.Context, set string) error {
	folder, err := servers(ctx, set)
	if err != nil {
		return err
	}
	return (&ArgoCD{Set: set, cluster: c, folder: folder}).define(ctx)
}

func (a *ArgoCD) path(name string) string { return filepath.Join(a.dir, name) }

// prepare makes the folders that an image or a volume holds otherwise.
func (a *ArgoCD) prepare(context.Context) error {
	for _, folder := range []string{"plugins", "tools", "commits", "gpg", "tls", "ssh", "work", "tmp", "home", "redis"} {
		if err := os.MkdirAll(a.path(folder), 0o700); err != nil {
			return err
		}
	}
	a.env = []string{
		"KUBECONFIG=" + a.cluster.Kubeconfig, "ARGOCD_FAKE_IN_CLUSTER=true", // kubernetes.default.svc is the cluster of the kubeconfig
		"ARGOCD_GPG_ENABLED=false", "ARGOCD_GNUPGHOME=" + a.path("gpg"), "ARGOCD_GPG_DATA_PATH=" + a.path("gpg"),
		"ARGOCD_TLS_DATA_PATH=" + a.path("tls"), "ARGOCD_SSH_DATA_PATH=" + a.path("ssh"), "ARGOCD_ASK_PASS_SOCK=" + a.path("askpass.sock"),
		"ARGOCD_PLUGINSOCKFILEPATH=" + a.Plugins, "ARGOCD_CMP_WORKDIR=" + a.path("work"), "TMPDIR=" + a.path("tmp"), "HOME=" + a.path("home"),
		// The wrappers of git and gpg lie in bin.
		"PATH=" + strings.Join([]string{filepath.Join(a.folder, "bin"), a.Tools, os.Getenv("PATH")}, string(os.PathListSeparator)),
	}
	return nil
}

// define gives the cluster Argo CD's resources and its configuration. Nothing
// is refreshed by the clock, so that tests alone say when.
func (a *ArgoCD) define(ctx context.Context) error {
	if err := a.cluster.Define(ctx, filepath.Join(a.folder, "crds")); err != nil {
		return err
	}
	return Until(ctx, func(ctx context.Context) error { return a.cluster.Apply(ctx, configuration) })
}

const configuration = `
apiVersion: v1
kind: Namespace
metadata: {name: argocd}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-cm, namespace: argocd, labels: {app.kubernetes.io/name: argocd-cm, app.kubernetes.io/part-of: argocd}}
data: {timeout.reconciliation: 0s}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-rbac-cm, namespace: argocd, labels: {app.kubernetes.io/name: argocd-rbac-cm, app.kubernetes.io/part-of: argocd}}
---
apiVersion: v1
kind: Secret
metadata: {name: argocd-secret, namespace: argocd, labels: {app.kubernetes.io/name: argocd-secret, app.kubernetes.io/part-of: argocd}}
stringData: {server.secretkey: e2e, admin.password: e2e, admin.passwordMtime: "2026-01-01T00:00:00Z"}
---
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: default, namespace: argocd}
spec: {}
`

func (a *ArgoCD) startRedis(ctx context.Context) error {
	path, err := program("redis-server", "redis-server")
	if err != nil {
		return err
	}
	p, err := a.cluster.launch(Command{Name: "redis", Args: []string{
		path, "--bind", "127.0.0.1", "--port", "6379", "--save", "", "--appendonly", "no", "--dir", a.path("redis"),
	}})
	if err != nil {
		return err
	}
	return p.Ready(ctx, listens(redis))
}

func (a *ArgoCD) launch(server string, args ...string) (*Process, error) {
	return a.cluster.launch(Command{Name: server, Args: append([]string{filepath.Join(a.folder, "argocd"), server}, args...), Env: a.env})
}

func (a *ArgoCD) startRepoServer(ctx context.Context) (err error) {
	args := []string{"--address", "127.0.0.1", "--metrics-address", "127.0.0.1", "--redis", redis, "--plugin-tar-exclude", ".git", "--plugin-tar-exclude", ".git/**", "--disable-tls"}
	if a.Set != Oldest {
		args = append(args, "--client-ca-path=") // it refuses to serve without TLS while it has one by default
	}
	a.RepoServer, err = a.launch("repo-server", args...)
	if err != nil {
		return err
	}
	return a.RepoServer.Ready(ctx, listens(repoServer))
}

// elsewhere runs a program, which follows after three folders, with the first
// one for /tmp. The others stay where they are.
const elsewhere = `set -e
mkdir -p "$1/2" "$1/3"
mount --bind "$2" "$1/2"
mount --bind "$3" "$1/3"
mount --rbind "$1" /tmp
mkdir -p "$2" "$3"
mount --bind /tmp/2 "$2"
mount --bind /tmp/3 "$3"
shift 3
exec "$@"`

// startCommit starts the commit server, which has files of fixed names in /tmp,
// whatever TMPDIR is: there they meet those of other runs and other users.
func (a *ArgoCD) startCommit(ctx context.Context) (err error) {
	a.Commit, err = a.cluster.launch(Command{Name: "commit-server", Env: a.env, Args: []string{
		"unshare", "--mount", "sh", "-c", elsewhere, "sh", a.path("commits"), a.cluster.Dir, a.folder,
		filepath.Join(a.folder, "argocd"), "commit-server", "--address", "127.0.0.1", "--metrics-address", "127.0.0.1",
	}})
	if err != nil {
		return err
	}
	return a.Commit.Ready(ctx, listens(committer))
}

// startController starts the application controller. It listens for metrics on
// every address, which here are those of loopback.
func (a *ArgoCD) startController(ctx context.Context) (err error) {
	a.Controller, err = a.launch("application-controller", "--namespace", Namespace, "--repo-server", repoServer, "--repo-server-plaintext",
		"--redis", redis, "--commit-server", committer, "--hydrator-enabled", "--app-resync", "0", "--application-namespaces", "*",
		"--repo-server-timeout-seconds", "20") // Argo CD's own is 60; what cannot succeed need not take as long here
	if err != nil {
		return err
	}
	return a.Controller.Ready(ctx, listens("127.0.0.1:8082"))
}

// Manifests asks the repo-server what Applications render to: see
// e2e/servers/argocd/manifests.go for the question and the answer, both in JSON.
func (a *ArgoCD) Manifests(ctx context.Context, applications []byte) ([]byte, error) {
	command := exec.CommandContext(ctx, filepath.Join(a.folder, "argocd"), "manifests", "--repo-server", repoServer)
	command.Env = append(os.Environ(), a.env...)
	command.Stdin = bytes.NewReader(applications)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("asking the repo-server: %w: %s", err, stderr.String())
	}
	return output, nil
}

// Slowly bounds what depends on how busy the machine is.
const Slowly = 3 * time.Minute
