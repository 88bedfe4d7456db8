// Package renderers compares what assay renders with what the command lines of
// kustomize and Helm print, object by object, field by field and in order.
package renderers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// The command lines, each built with the versions that it pins itself, so that
// this module's dependencies do not change what it prints.
const (
	kustomizePackage = "sigs.k8s.io/kustomize/kustomize/v5"
	kustomizeVersion = "v5.8.2"
	helmPackage      = "helm.sh/helm/v4/cmd/helm"
	helmVersion      = "v4.3.1"
)

// Tools are the two programs, ready to run.
type Tools struct {
	kustomize, helm string
	env             []string
}

// NewTools builds the programs into the folder unless they are there. Home is
// an empty folder for whatever they write.
func NewTools(ctx context.Context, cache, home string) (*Tools, error) {
	tools := &Tools{env: []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + home, "KUBECONFIG=" + filepath.Join(home, "none"),
		// A remote base is to fail at once, on every machine.
		"http_proxy=http://127.0.0.1:1", "https_proxy=http://127.0.0.1:1", "GIT_TERMINAL_PROMPT=0", "GIT_SSH_COMMAND=false",
	}}
	var err error
	if tools.kustomize, err = build(ctx, cache, kustomizePackage, kustomizeVersion); err != nil {
		return nil, err
	}
	tools.helm, err = build(ctx, cache, helmPackage, helmVersion)
	return tools, err
}

func build(ctx context.Context, cache, program, version string) (string, error) {
	bin := filepath.Join(cache, strings.ReplaceAll(program, "/", "_")+"@"+version)
	name := filepath.Base(program)
	if name == "v5" {
		name = "kustomize"
	}
	if _, err := os.Stat(filepath.Join(bin, name)); err == nil {
		return filepath.Join(bin, name), nil
	}
	command := exec.CommandContext(ctx, "go", "install", "-trimpath", "-ldflags=-s -w", program+"@"+version)
	command.Env = append(os.Environ(), "GOBIN="+bin, "CGO_ENABLED=0")
	command.Dir = os.TempDir()
	if output, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s@%s: %w: %s", program, version, err, output)
	}
	return filepath.Join(bin, name), nil
}

// Run is what the program prints for a case.
func (t *Tools) Run(ctx context.Context, one Case) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	folder := filepath.Join(one.Root, filepath.FromSlash(one.Path))
	arguments := []string{t.kustomize, "build", "--enable-helm", "--helm-command", t.helm, folder}
	if one.Kind == "helm" {
		arguments = []string{t.helm, "template", releaseName, folder, "--namespace", namespace, "--include-crds", "--skip-tests"}
		for _, file := range one.ValueFiles {
			arguments = append(arguments, "--values", filepath.Join(folder, file))
		}
	}
	command := exec.CommandContext(ctx, arguments[0], arguments[1:]...)
	command.Env = t.env
	var out, problems bytes.Buffer
	command.Stdout, command.Stderr = &out, &problems
	if err := command.Run(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, strings.TrimSpace(problems.String()))
	}
	return out.Bytes(), nil
}

// moduleDir is the folder of a module at a version, downloaded when it is not
// there yet.
func moduleDir(ctx context.Context, module string) (string, error) {
	command := exec.CommandContext(ctx, "go", "mod", "download", "-json", module)
	command.Dir = os.TempDir()
	output, err := command.Output()
	var answer struct{ Dir, Error string }
	if decodeErr := json.Unmarshal(output, &answer); decodeErr != nil {
		return "", fmt.Errorf("downloading %s: %w", module, errors.Join(err, decodeErr))
	}
	if answer.Error != "" {
		return "", fmt.Errorf("downloading %s: %s", module, answer.Error)
	}
	return answer.Dir, nil
}
