package controlplane

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The command lines that Argo CD's repo-server runs, in the versions that
// docs/parity.md names.
const (
	Kustomize = "sigs.k8s.io/kustomize/kustomize/v5@v5.8.2"
	Helm      = "helm.sh/helm/v4/cmd/helm@v4.3.1"
)

// Install builds a command line once, where the oracles keep theirs, and returns
// its path.
func Install(ctx context.Context, program string) (string, error) {
	root, err := module(ctx)
	if err != nil {
		return "", err
	}
	bin := filepath.Join(root, ".cache/oracles", strings.ReplaceAll(program, "/", "_"))
	files, err := os.ReadDir(bin)
	if err != nil || len(files) == 0 {
		command := exec.CommandContext(ctx, "go", "install", "-trimpath", "-ldflags=-s -w", program)
		command.Dir = os.TempDir()
		command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=", "GOBIN="+bin)
		if out, err := command.CombinedOutput(); err != nil {
			return "", fmt.Errorf("installing %s: %w: %s", program, err, out)
		}
		if files, err = os.ReadDir(bin); err != nil {
			return "", err
		}
	}
	return filepath.Join(bin, files[0].Name()), nil
}
