package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/examples/showcase"
)

// TestDocs_TheExampleOfHarden runs the command that docs/hardening.md shows.
func TestDocs_TheExampleOfHarden(t *testing.T) {
	page, err := os.ReadFile("../../docs/hardening.md")
	must(t, err)
	_, rest, found := strings.Cut(string(page), "<!-- harden plain -->\n```console\n$ assay harden shop\n")
	want, _, ended := strings.Cut(rest, "```\n<!-- end of harden -->")
	if !found || !ended {
		t.Fatal("docs/hardening.md has no example of harden")
	}
	dir := t.TempDir()
	show, err := showcase.Start(t.Context(), dir)
	must(t, err)
	defer func() { must(t, show.Close()) }()
	shop := filepath.Join(dir, "example", "shop")
	must(t, os.MkdirAll(shop, 0o755))
	must(t, os.WriteFile(filepath.Join(shop, "web.yaml"), []byte(`apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web # the shop's front
        image: registry.example.com/shop/web:1.4.2
`), 0o600))
	var out bytes.Buffer
	args := []string{"harden", shop, "--root", filepath.Dir(shop), "--gate", filepath.Join(dir, "gate"), "--project", "team-a"}
	code := run(t.Context(), streams{in: strings.NewReader(""), out: &out, err: &out}, args)
	if got := strings.ReplaceAll(out.String(), shop+":", "shop:"); code != exitAllowed || got != want {
		t.Errorf("exit code %d\n%s\nwant\n%s", code, got, want)
	}
}

// TestHarden_ExamplesRenderToTheSameBytes: what is handed on before and after
// the settings were written is the same, and a second run changes no file.
func TestHarden_ExamplesRenderToTheSameBytes(t *testing.T) {
	dir := t.TempDir()
	show, err := showcase.Start(t.Context(), dir)
	must(t, err)
	defer func() { must(t, show.Close()) }()
	gate := filepath.Join(show.Dir, "gate")
	tree := filepath.Join(dir, "copy")
	must(t, os.CopyFS(tree, os.DirFS("../../examples")))
	call := func(args ...string) (string, int) {
		var out, errs bytes.Buffer
		code := run(t.Context(), streams{in: strings.NewReader(""), out: &out, err: &errs}, append(args, "--gate", gate, "--project", "team-a", "--root", tree))
		return out.String() + errs.String(), code
	}
	for _, name := range []string{"shop-plain", "shop-kustomize/overlays/dev", "shop-kustomize/overlays/prod"} {
		t.Run(name, func(t *testing.T) {
			folder := filepath.Join(tree, name)
			before, code := call("render", folder)
			if code != exitAllowed {
				t.Fatalf("exit code %d\n%s", code, before)
			}
			if said, code := call("harden", folder, "--in-place"); code != exitAllowed || !strings.Contains(said, "wrote ") {
				t.Fatalf("exit code %d\n%s", code, said)
			}
			if after, _ := call("render", folder); after != before {
				t.Errorf("the manifests changed:\n%s\n--- are now\n%s", before, after)
			}
			if said, code := call("harden", folder, "--in-place"); code != exitAllowed || !strings.Contains(said, "nothing to fill in") {
				t.Errorf("a second run: exit code %d\n%s", code, said)
			}
		})
	}
}
