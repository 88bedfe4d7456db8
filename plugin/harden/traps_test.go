package harden

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

var update = flag.Bool("update", false, "write the table of docs/hardening.md anew")

var trapTable = regexp.MustCompile(`(?s)<!-- traps -->\n.*<!-- end of traps -->`)

// trap is an image, or a container, on which a careless default breaks.
type trap struct {
	name      string
	config    *plugin.ImageConfig
	container string
}

func traps(t *testing.T) []trap {
	passwd := ociserver.File{Name: "etc/passwd", Content: "root:x:0:0:root:/root:/bin/sh\ntoor:x:0:0::/root:/bin/sh\n" +
		"nginx:x:101:101:nginx:/nonexistent:/bin/false\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n"}
	capable := ociserver.File{Name: "usr/bin/app", Mode: 0o755, Records: map[string]string{"SCHILY.xattr.security.capability": "\x01"}}
	with := func(change func(*plugin.ImageConfig)) *plugin.ImageConfig {
		config := good()
		change(config)
		return config
	}
	return []trap{
		{"a user by number (`USER 65532`)", good(), ""},
		{"no user, which is root", with(func(c *plugin.ImageConfig) { c.User = "" }), ""},
		{"a user by name, 101 in the image's `/etc/passwd` (`USER nginx`)", built(t, v1.Config{User: "nginx"}, passwd), ""},
		{"a user by name that is root there", built(t, v1.Config{User: "toor"}, passwd), ""},
		{"a user by name that is not there", built(t, v1.Config{User: "apache"}, passwd), ""},
		{"a user by name, with another group than its own (`USER nginx:root`)", built(t, v1.Config{User: "nginx:0"}, passwd), ""},
		{"a user by name, and no `/etc/passwd`", built(t, v1.Config{User: "nginx"}, ociserver.File{Name: "app"}), ""},
		{"a user by name, and layers that could not be looked at", with(func(c *plugin.ImageConfig) {
			c.User, c.Named = "nginx", &plugin.NamedUser{Unknown: "the layers that would tell it could not be looked at", NoAnswer: true}
		}), ""},
		{"distroless (`USER nonroot`)", built(t, v1.Config{User: "nonroot"}, passwd), ""},
		{"its program is setuid, and the user a name", built(t, v1.Config{User: "nginx", Entrypoint: []string{"/app"}}, passwd, ociserver.File{Name: "app", Mode: 0o4755}), ""},
		{"its program has file capabilities, and the user is a name", built(t, v1.Config{User: "nginx", Cmd: []string{"app"}}, passwd, capable), ""},
		{"scratch with an empty configuration", &plugin.ImageConfig{}, ""},
		{"port 80, by number", with(func(c *plugin.ImageConfig) { c.ExposedPorts = []string{"80/tcp"} }), ""},
		{"port 80 in the container's ports", good(), "ports: [{containerPort: 80}]"},
		{"volumes (`VOLUME /data`)", with(func(c *plugin.ImageConfig) { c.Volumes = []string{"/data"} }), ""},
		{"a setuid program starts it (`gosu`), as root", with(func(c *plugin.ImageConfig) { c.User, c.Entrypoint = "", []string{"gosu", "app"} }), ""},
		{"a setuid program by its name (`sudo`), as another user", with(func(c *plugin.ImageConfig) { c.Entrypoint = []string{"sudo", "app"} }), ""},
		{"Windows", with(func(c *plugin.ImageConfig) { c.OS = "windows" }), ""},
		{"a configuration that could not be read", nil, ""},
		{"root, but the manifest says `runAsUser: 1000`", with(func(c *plugin.ImageConfig) { c.User = "" }), "securityContext: {runAsUser: 1000}"},
	}
}

// built pushes an image with one layer to a registry, and is what hardening is
// told of it.
func built(t *testing.T, config v1.Config, files ...ociserver.File) *plugin.ImageConfig {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	layer, err := ociserver.Layer(files...)
	must(err)
	image, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: "linux", Architecture: "amd64", RootFS: v1.RootFS{Type: "layers"}, Config: config})
	must(err)
	image, err = mutate.AppendLayers(image, layer)
	must(err)
	server, err := ociserver.Start(ociserver.Options{})
	must(err)
	defer server.Close()
	tag, err := name.NewTag(server.Host() + "/app:v1")
	must(err)
	must(remote.Write(tag, image, remote.WithTransport(server.Transport())))
	digest, err := image.Digest()
	must(err)
	client, err := registry.New(registry.Options{Hosts: []registry.Host{{Host: server.Host(), Private: true, PlainHTTP: true}}})
	must(err)
	images := []plugin.Image{{Reference: plugin.Reference{Repository: server.Host() + "/app"}, Digest: digest.String()}}
	if findings := (registry.Inspector{Client: client, Users: true}).Inspect(t.Context(), images); len(findings) > 0 {
		t.Fatal(findings)
	}
	return images[0].Config
}

// anyDigest is left out of the table: it says nothing to its reader.
var anyDigest = regexp.MustCompile(`sha256:[0-9a-f]{64}`)

// TestTraps_TableIsCurrent: what the page says is what hardening does.
func TestTraps_TableIsCurrent(t *testing.T) {
	hardener, err := New(Config{Profile: restricted, More: gate.Harden{ReadOnlyRootFilesystem: true, EmptyDirSize: "1Gi", AppArmor: true}})
	if err != nil {
		t.Fatal(err)
	}
	lines := []string{"| the image | filled in | held back, and why |", "|---|---|---|"}
	for _, trap := range traps(t) {
		objects := []plugin.Object{workload{container: trap.container}.object(t)}
		_, findings := hardener.Harden(t.Context(), plugin.Unhardened{Objects: objects, Images: imagesOf(objects, trap.config)})
		var filled, back []string
		for _, finding := range findings {
			field := finding.Field[strings.LastIndex(finding.Field, ".")+1:]
			if finding.Rule == ruleHeldBack {
				_, why, _ := strings.Cut(finding.Message, "was not filled in: ")
				back = append(back, fmt.Sprintf("%s: %s", field, why))
				continue
			}
			filled = append(filled, field)
		}
		slices.Sort(filled)
		slices.Sort(back)
		lines = append(lines, fmt.Sprintf("| %s | %s | %s |", trap.name, strings.Join(filled, ", "), anyDigest.ReplaceAllLiteralString(strings.Join(back, "; "), "sha256:…")))
	}
	const file = "../../docs/hardening.md"
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	table := "<!-- traps -->\n" + strings.Join(lines, "\n") + "\n<!-- end of traps -->"
	want := trapTable.ReplaceAllLiteralString(string(page), table)
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if string(page) != want || !strings.Contains(want, table) {
		t.Error("the table of docs/hardening.md is not what hardening does; write it with: go test ./plugin/harden -update")
	}
}
