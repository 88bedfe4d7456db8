package scanner_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/verify/scanner"
)

// The scanners of these tests are scripts that stand in for the real ones, which
// need a database of the network. They show how a scanner is called and what
// becomes of its answers, not that the real ones understand it.

const digest = "sha256:1111111111111111111111111111111111111111111111111111111111111111"

// install puts a script on the PATH.
func install(t *testing.T, name, script string) {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, name), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", folder+":"+os.Getenv("PATH"))
}

func run(ctx context.Context, t *testing.T, name string, limit int64) (string, error) {
	t.Helper()
	found, err := scanner.Find(name, limit)
	if err != nil {
		t.Fatal(err)
	}
	report, err := found.Scan(ctx, "registry.example.com/team-a/shop", digest)
	return string(report), err
}

func TestScan_CallsTheScannerWithTheImageByDigest(t *testing.T) {
	for name, want := range map[string]string{
		"trivy": "image --quiet --format json --scanners vuln --image-src remote --exit-code 0 -- registry.example.com/team-a/shop@" + digest,
		"grype": "--quiet --output json -- registry:registry.example.com/team-a/shop@" + digest,
	} {
		install(t, name, `echo "$@"`)
		if got, err := run(t.Context(), t, name, 1000); err != nil || strings.TrimSpace(got) != want {
			t.Errorf("%s was called with %q (%v), want %q", name, got, err, want)
		}
	}
}

// TestScan_RunsInAnEmptyFolder has a file in the working folder that tells
// trivy what to ignore.
func TestScan_RunsInAnEmptyFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile(".trivyignore", []byte("CVE-2024-0001\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	install(t, "trivy", `pwd; ls -A`)
	got, err := run(t.Context(), t, "trivy", 1000)
	if err != nil || strings.Contains(got, "trivyignore") || !strings.Contains(got, "assay-scan-") {
		t.Errorf("it ran where there is %q (%v)", got, err)
	}
	if _, err := os.Stat(strings.TrimSpace(got)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder %q is left: %v", got, err)
	}
}

func TestScan_PassesTheUsersEnvironmentOn(t *testing.T) {
	t.Setenv("TRIVY_USERNAME", "user")
	install(t, "trivy", `echo "$TRIVY_USERNAME"`)
	if got, err := run(t.Context(), t, "trivy", 1000); err != nil || got != "user\n" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestScan_WhatIsNoAnswer(t *testing.T) {
	for _, test := range []struct{ name, script, want string }{
		{"it fails", "echo '{}'; echo 'cannot pull https://user:pass@registry.example.com/x' >&2; exit 1", "it did not end well: exit status 1: cannot pull https://"},
		{"it prints nothing", "exit 0", "it printed nothing"},
		{"it prints too much", "head -c 2000 /dev/zero; sleep 60", "it printed more than 1000 bytes (limit bundleBytes)"},
		{"it is killed", "kill -9 $$", "it did not end well"},
	} {
		t.Run(test.name, func(t *testing.T) {
			install(t, "trivy", test.script)
			got, err := run(t.Context(), t, "trivy", 1000)
			if err == nil || got != "" || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "pass@") {
				t.Errorf("got %q, %v, want %q", got, err, test.want)
			}
		})
	}
	t.Run("and its twin", func(t *testing.T) {
		install(t, "trivy", "echo '{}'; echo 'a word' >&2")
		if got, err := run(t.Context(), t, "trivy", 1000); err != nil || got != "{}\n" {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

func TestScan_TheCallersDeadlineIsNoAnswer(t *testing.T) {
	install(t, "grype", "sleep 60")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if got, err := run(ctx, t, "grype", 1000); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestFind_WithoutTheScannerThereIsNoAnswer(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := scanner.Find("trivy", 1)
	var silent *plugin.StageError
	if !errors.As(err, &silent) || silent.Hint == "" {
		t.Errorf("got %v, want no answer, with a hint", err)
	}
	if _, err := scanner.Find("sh", 1); err == nil || errors.As(err, &silent) && !strings.Contains(err.Error(), "none of trivy, grype") {
		t.Errorf("anything can be run: %v", err)
	}
}
