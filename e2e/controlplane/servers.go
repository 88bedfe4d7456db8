package controlplane

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// servers is the folder of a set of built servers. One that is not built is an
// error, never a reason to skip a test.
func servers(ctx context.Context, set string) (string, error) {
	root, err := module(ctx)
	if err != nil {
		return "", err
	}
	out, err := exec.CommandContext(ctx, filepath.Join(root, "e2e/servers/build"), "-where", set).Output()
	if err != nil {
		return "", fmt.Errorf("asking where the servers of %s are: %w", set, err)
	}
	folder := strings.TrimSpace(string(out))
	if _, err := os.Stat(folder); err != nil {
		return "", fmt.Errorf("looking for the servers of %s: %w; e2e/servers/build %s builds them", set, err, set)
	}
	return folder, nil
}

// module is the folder of the module that the test runs in.
func module(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("asking go for the module's folder: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// program finds a program of the machine.
func program(name, packaged string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("looking for %s: %w; make deps installs it (Debian's %s)", name, err, packaged)
	}
	return path, nil
}

// Build compiles a command of the module into a folder and returns the path.
func Build(ctx context.Context, pkg, folder string) (string, error) {
	root, err := module(ctx)
	if err != nil {
		return "", err
	}
	path := filepath.Join(folder, filepath.Base(pkg))
	// Git tells nothing about a clone that is another user's.
	command := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", path, "./"+pkg)
	command.Dir = root
	if out, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s: %w: %s", pkg, err, out)
	}
	return path, nil
}
