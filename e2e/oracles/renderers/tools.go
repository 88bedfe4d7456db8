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

	"github.com/assay-gitops/assay/e2e/commandlines"
)

// Tools are the two programs, ready to run.
type Tools struct {
	kustomize, helm string
	env             []string
}

// NewTools builds the programs unless they are there. Home is an empty folder
// for whatever they write.
func NewTools(ctx context.Context, home string) (*Tools, error) {
	tools := &Tools{env: []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + home, "KUBECONFIG=" + filepath.Join(home, "none"),
		// A remote base is to fail at once, on every machine.
		"http_proxy=http://127.0.0.1:1", "https_proxy=http://127.0.0.1:1", "GIT_TERMINAL_PROMPT=0", "GIT_SSH_COMMAND=false",
	}}
	var err error
	if tools.kustomize, err = commandlines.Build(ctx, commandlines.Kustomize); err != nil {
		return nil, err
	}
	tools.helm, err = commandlines.Build(ctx, commandlines.Helm)
	return tools, err
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
