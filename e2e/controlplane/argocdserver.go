package controlplane

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// ArgoServer is where Argo CD's API server listens.
const ArgoServer = "http://127.0.0.1:8080"

// StartServer starts Argo CD's API server with extensions, by name the files
// that a ConfigMap has, and with a folder of static assets. The module has no
// built user interface.
func (a *ArgoCD) StartServer(ctx context.Context, extensions map[string][]byte, assets string) (*Process, error) {
	if err := a.mountExtensions(extensions); err != nil {
		return nil, fmt.Errorf("starting Argo CD's API server: %w", err)
	}
	page := a.path("page")
	if err := os.CopyFS(page, os.DirFS(assets)); err != nil {
		return nil, fmt.Errorf("starting Argo CD's API server: %w", err)
	}
	server, err := a.cluster.launch(Command{Name: "argocd-server", Env: a.env, Args: []string{
		"unshare", "--mount", "sh", "-c", elsewhere, "sh", a.path("api"), a.cluster.Dir, a.folder,
		filepath.Join(a.folder, "argocd"), "server", "--insecure", "--address", "127.0.0.1", "--port", "8080", "--metrics-port", "8085", "--redis", redis,
		"--repo-server", repoServer, "--repo-server-plaintext", "--staticassets", page, "--enable-proxy-extension", "--application-namespaces", "*",
	}})
	if err != nil {
		return nil, err
	}
	return server, server.Ready(ctx, listens("127.0.0.1:8080"))
}

// mountExtensions lays files out as the kubelet does those of a ConfigMap: the
// names are links, and what they lead to lies in a folder with a time for a name.
func (a *ArgoCD) mountExtensions(files map[string][]byte) error {
	const data, written = "..data", "..2026_03_14_09_26_53.1"
	folder := filepath.Join(a.path("api"), "extensions", "assay")
	if err := os.MkdirAll(filepath.Join(folder, written), 0o755); err != nil {
		return err
	}
	if err := os.Symlink(written, filepath.Join(folder, data)); err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, written, name), text, 0o644); err != nil {
			return err
		}
		if err := os.Symlink(filepath.Join(data, name), filepath.Join(folder, name)); err != nil {
			return err
		}
	}
	return nil
}
