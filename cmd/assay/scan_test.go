package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// installScanner puts a script on the PATH. It stands in for the real scanner,
// which needs a database of the network.
func installScanner(t *testing.T, name, script string) {
	t.Helper()
	folder := t.TempDir()
	must(t, os.WriteFile(filepath.Join(folder, name), []byte("#!/bin/sh\n"+script), 0o755))
	t.Setenv("PATH", folder+":"+os.Getenv("PATH"))
}

// trivyPrints is a script that prints Trivy's report about the image that it is
// asked for.
func trivyPrints(severity string) string {
	return fmt.Sprintf(`for image; do :; done
cat <<END
{"SchemaVersion": 2, "CreatedAt": "%s", "ArtifactType": "container_image", "Metadata": {"RepoDigests": ["$image"]}, "Results": [{"Target": "debian", "Class": "os-pkgs",
 "Vulnerabilities": [{"VulnerabilityID": "CVE-2024-0001", "PkgName": "openssl", "InstalledVersion": "3.0.1", "Severity": "%s"}]}]}
END
`, ago(0), severity)
}

func TestScan_ByTheUsersOwnScanner(t *testing.T) {
	for _, test := range []struct {
		name, script, demand string
		code                 int
		says                 string
	}{
		{"what it finds is denied", trivyPrints("CRITICAL"), "scan: {local: true}", exitDenied, "CVE-2024-0001 in openssl 3.0.1"},
		{"it meets the demand where the gate allows it", trivyPrints("LOW"), "scan: {local: true}", 0, "signed by nobody, and the gate lets it meet the demand"},
		{"it meets no demand elsewhere", trivyPrints("LOW"), "scan: {}", exitDenied, "evidence/scan"},
		{"it fails", "echo broken >&2; exit 3", "scan: {local: true}", exitUndetermined, "scan/no-answer"},
		{"it prints no report", "echo fine", "scan: {local: true}", exitUndetermined, "scan/no-answer"},
	} {
		t.Run(test.name, func(t *testing.T) {
			installScanner(t, "trivy", test.script)
			w := newWorld(t)
			w.asksForContents(test.demand)
			w.settle()
			w.args = []string{"--scan", "trivy"}
			if got := w.run("check"); got.code != test.code || !strings.Contains(got.text(), test.says) {
				t.Errorf("ends with %d, want %d and %q:\n%s%s", got.code, test.code, test.says, got.out, got.err)
			}
		})
	}
}

func TestScan_WithoutADemandWhatItFindsIsDenied(t *testing.T) {
	const told = "scan by trivy"
	for severity, code := range map[string]int{"HIGH": exitDenied, "MEDIUM": 0} {
		installScanner(t, "trivy", trivyPrints(severity))
		w := newWorld(t)
		w.sign(trusted())
		w.settle()
		w.args = []string{"--scan", "trivy"}
		if got := w.run("check"); got.code != code || !strings.Contains(got.text(), told) {
			t.Errorf("%s: ends with %d, want %d:\n%s%s", severity, got.code, code, got.out, got.err)
		}
		w.args = nil
		if got := w.run("check"); got.code != 0 || strings.Contains(got.text(), told) {
			t.Errorf("it is run where nobody asked: %d\n%s%s", got.code, got.out, got.err)
		}
	}
}

func TestScan_AScannerThatIsNotThereIsNoAnswer(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	w := newWorld(t)
	w.sign(trusted())
	w.settle()
	for name, code := range map[string]int{"grype": exitUndetermined, "sh": exitUsage} {
		w.args = []string{"--scan", name}
		if got := w.run("check"); got.code != code || !strings.Contains(got.err, name) {
			t.Errorf("%s: ends with %d, want %d:\n%s%s", name, got.code, code, got.out, got.err)
		}
	}
}

// TestScan_OnlyCheckCanRunAScanner reads the source: no file but check's own
// can make a scanner, so no door does.
func TestScan_OnlyCheckCanRunAScanner(t *testing.T) {
	const imported = `"github.com/assay-gitops/assay/plugin/verify/scanner"`
	var makers, users []string
	for _, root := range []string{".", "../../plugin"} {
		must(t, filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return err
			}
			for _, one := range file.Imports {
				if one.Path.Value == imported {
					makers = append(makers, path)
				}
			}
			ast.Inspect(file, func(node ast.Node) bool {
				if literal, is := node.(*ast.CompositeLit); is && entry.Name() != "scan.go" && named(literal.Type, "scanFlags") {
					users = append(users, path)
				}
				if declared, is := node.(*ast.ValueSpec); is && named(declared.Type, "scanFlags") {
					users = append(users, path)
				}
				return true
			})
			return nil
		}))
	}
	if strings.Join(makers, " ") != "scan.go" {
		t.Errorf("scanners are made in %v, want scan.go alone", makers)
	}
	if strings.Join(users, " ") != "check.go" {
		t.Errorf("scanners are asked for in %v, want check.go alone", users)
	}
}

func named(expression ast.Expr, name string) bool {
	ident, is := expression.(*ast.Ident)
	return is && ident.Name == name
}
