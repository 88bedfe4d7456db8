package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/examples/showcase"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

// shell runs command lines of a page in processes of their own, that find the
// network closed but for loopback.
type shell struct {
	t   *testing.T
	bin string
}

func newShell(t *testing.T) shell {
	t.Helper()
	bin := t.TempDir()
	program, err := os.Executable()
	must(t, err)
	must(t, os.Symlink(program, filepath.Join(bin, "assay"))) // testscript.Main runs the command of that name
	return shell{t, bin}
}

// in runs a line in a folder. Proxies are asked about every host but those on
// loopback, and nobody listens there.
func (s shell) in(dir, line string) (code int, said string) {
	s.t.Helper()
	words := strings.Fields(line)
	if len(words) == 0 || words[0] != "assay" {
		s.t.Fatalf("%q is no command of assay's", line)
	}
	command := exec.CommandContext(s.t.Context(), filepath.Join(s.bin, "assay"), words[1:]...)
	command.Dir = dir
	const closed = "http://127.0.0.1:1"
	command.Env = append(os.Environ(), "HTTPS_PROXY="+closed, "HTTP_PROXY="+closed, "NO_PROXY=", "XDG_CACHE_HOME="+filepath.Join(dir, "cache"), "ASSAY_CACHE_DIR=")
	out, err := command.CombinedOutput()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		s.t.Fatal(err)
	}
	return command.ProcessState.ExitCode(), string(out)
}

// shown are the lines behind "$ " in a part of docs/trust-roots.md.
func shown(t *testing.T, heading string) []string {
	t.Helper()
	page, err := os.ReadFile("../../docs/trust-roots.md")
	must(t, err)
	_, part, found := strings.Cut(string(page), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("docs/trust-roots.md has no part %q", heading)
	}
	part, _, _ = strings.Cut(part, "\n## ")
	var lines []string
	for line := range strings.Lines(part) {
		if command, is := strings.CutPrefix(line, "$ "); is {
			command, _, _ = strings.Cut(command, "#")
			lines = append(lines, strings.TrimSpace(command))
		}
	}
	return lines
}

// gap is the showcase with a trust root from a mirror, and a key in a file.
type gap struct {
	shell

	show *showcase.Showcase
	// connected has the gate's whole folder, and alone the gate and the bundle.
	connected, alone string
	mirror           *httptest.Server
}

func newGap(t *testing.T) *gap {
	t.Helper()
	g := &gap{shell: newShell(t), connected: t.TempDir(), alone: t.TempDir()}
	var err error
	g.show, err = showcase.Start(t.Context(), g.connected)
	must(t, err)
	t.Cleanup(func() { _ = g.show.Close() })
	trusted, err := g.show.Sigstore.TrustedRootJSON()
	must(t, err)
	mirror, err := throwaway.NewMirror(trusted)
	must(t, err)
	g.mirror = httptest.NewServer(mirror)
	t.Cleanup(g.mirror.Close)
	g.write("trust-root.yaml", fmt.Sprintf("apiVersion: policy.sigstore.dev/v1alpha1\nkind: TrustRoot\nmetadata: {name: example}\nspec:\n  remote:\n    root: %s\n    mirror: %s\n",
		base64.StdEncoding.EncodeToString(mirror.Root()), g.mirror.URL))
	text := g.read("gate.yaml")
	g.write("gate.yaml", text+fmt.Sprintf("  - {host: %q, private: true, plainHTTP: true}\n", strings.TrimPrefix(g.mirror.URL, "http://")))
	key, err := g.show.Key.PublicPEM()
	must(t, err)
	g.write("release.pem", key)
	policies := g.read("images.yaml")
	before, rest, _ := strings.Cut(policies, "data: |")
	_, after, found := strings.Cut(rest, "-----END PUBLIC KEY-----")
	if !found {
		t.Fatal("the starter gate has no key")
	}
	g.write("images.yaml", before+"file: release.pem"+after)
	return g
}

func (g *gap) read(name string) string {
	g.t.Helper()
	data, err := os.ReadFile(filepath.Join(g.connected, "gate", name))
	must(g.t, err)
	return string(data)
}

func (g *gap) write(name, text string) {
	g.t.Helper()
	must(g.t, os.WriteFile(filepath.Join(g.connected, "gate", name), []byte(text), 0o600))
}

// cross carries the application, the gate and the bundle, and nothing else, to
// where there is no mirror; keep chooses the bundle's documents.
func (g *gap) cross(keep func(kind, name string) bool) {
	g.t.Helper()
	g.mirror.Close()
	must(g.t, os.CopyFS(filepath.Join(g.alone, "shop"), os.DirFS(filepath.Join(g.connected, "shop"))))
	must(g.t, os.Mkdir(filepath.Join(g.alone, ".git"), 0o755)) // the top of the source tree
	must(g.t, os.WriteFile(filepath.Join(g.alone, "gate.yaml"), []byte(g.read("gate.yaml")), 0o600))
	text, err := os.ReadFile(filepath.Join(g.connected, "trust.json"))
	must(g.t, err)
	var bundle struct {
		APIVersion string           `json:"apiVersion"`
		Kind       string           `json:"kind"`
		Items      []map[string]any `json:"items"`
	}
	must(g.t, json.Unmarshal(text, &bundle))
	all := len(bundle.Items)
	bundle.Items = slices.DeleteFunc(bundle.Items, func(item map[string]any) bool {
		return !keep(item["kind"].(string), item["metadata"].(map[string]any)["name"].(string))
	})
	if len(bundle.Items) < all {
		text, err = json.Marshal(bundle)
		must(g.t, err)
	}
	must(g.t, os.WriteFile(filepath.Join(g.alone, "trust.json"), text, 0o600))
}

func TestDocs_TheAirGapsCommandsNeedTheBundleAndTheGateAlone(t *testing.T) {
	lines := shown(t, "Without a network")
	if len(lines) != 3 {
		t.Fatalf("the page shows %q", lines)
	}
	for name, test := range map[string]struct {
		keep func(kind, name string) bool
		code int
		want string
	}{
		"the whole bundle (twin)": {func(string, string) bool { return true }, exitAllowed, "allowed"},
		"without its trust root":  {func(kind, _ string) bool { return kind != "TrustRoot" }, exitDenied, `"example"`},
		"without a trust rule":    {func(_, name string) bool { return name != "shop-key" }, exitDenied, `there is no ClusterImagePolicy "shop-key"`},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGap(t)
			if code, said := g.in(g.connected, lines[0]); code != exitAllowed || !strings.Contains(said, "wrote trust.json: 2 trust rules, 1 trust root") {
				t.Fatalf("%s ends with %d: %s", lines[0], code, said)
			}
			g.cross(test.keep)
			if code, said := g.in(g.alone, lines[1]); code != test.code {
				t.Errorf("%s ends with %d: %s", lines[1], code, said)
			}
			code, said := g.in(g.alone, lines[2])
			if code != test.code || !strings.Contains(said, test.want) {
				t.Errorf("%s ends with %d, want %d and %q: %s", lines[2], code, test.code, test.want, said)
			}
		})
	}
}

// The same gate without the bundle has no answer where there is no mirror: that
// is what the bundle is for, and that the network is closed.
func TestDocs_WithoutABundleThereIsNoAnswer(t *testing.T) {
	g := newGap(t)
	g.mirror.Close()
	code, said := g.in(g.connected, "assay check shop/overlays/prod --gate gate --project team-a --root .")
	if code != exitUndetermined || !strings.Contains(said, "TrustRoot example cannot be used: there is no copy of it yet") {
		t.Errorf("it ends with %d: %s", code, said)
	}
	if code, said := g.in(g.connected, "assay trust bundle --gate gate --output trust.json"); code != exitUndetermined || !strings.Contains(said, "there is no copy of it yet") {
		t.Errorf("the bundle without a copy ends with %d: %s", code, said)
	}
}

// The page's second run of a cache sends no request.
func TestDocs_TheSecondRunWithACacheAsksNothing(t *testing.T) {
	lines := shown(t, "What registries said, on disk")
	if len(lines) != 3 || lines[0] != "export ASSAY_CACHE_DIR=cache ASSAY_CACHE_KEY=secret/cache.key" || lines[1] != lines[2] {
		t.Fatalf("the page shows %q", lines)
	}
	script, err := os.ReadFile("testdata/facts.txtar")
	must(t, err)
	if !strings.Contains(string(script), "exec "+lines[1]+"\nstdout 'allowed'\n! asked\n") {
		t.Errorf("testdata/facts.txtar does not show what the page says of %q", lines[1])
	}
}
