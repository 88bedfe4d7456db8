// Package commandlines builds the programs that Argo CD's repo-server runs, in
// the versions that docs/parity.md names. Each is a module of its own beside this
// file, with the versions that it pins itself, so that nothing else decides what
// it prints, and a machine that has the modules needs no network.
package commandlines

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The programs, each named as its module's folder.
const (
	Kustomize = "kustomize"
	Helm      = "helm"
)

// Build compiles a program into .cache/commandlines of the repository, unless it
// is there as its module says, and returns its path.
func Build(ctx context.Context, program string) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-f", "{{.Dir}}", "github.com/assay-gitops/assay/e2e/commandlines").Output()
	if err != nil {
		return "", fmt.Errorf("asking go for the folder of e2e/commandlines: %w", err)
	}
	here := strings.TrimSpace(string(out))
	path := filepath.Join(here, "../../.cache/commandlines", program)
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", path, "tool") //nolint:gosec // one of the programs above
	command.Dir = filepath.Join(here, program)
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=")
	if out, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s: %w: %s", program, err, out)
	}
	return path, nil
}
