package registry_test

import (
	"archive/tar"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

func TestInsides_AreAskedForWhereTheUserIsANameAlone(t *testing.T) {
	base := layer(t, passwd(rootLine+nginxLine))
	windows := mutateOS(t, imageOf(t, v1.Config{User: "ContainerUser"}, base), "windows")
	for name, test := range map[string]struct {
		image v1.Image
		users bool
		asked bool
	}{
		"a number":           {imageOf(t, v1.Config{User: "65532"}, base), true, false},
		"a number and group": {imageOf(t, v1.Config{User: "65532:www"}, base), true, false},
		"root":               {imageOf(t, v1.Config{User: "root"}, base), true, false},
		"none":               {imageOf(t, v1.Config{}, base), true, false},
		"a group alone":      {imageOf(t, v1.Config{User: ":www"}, base), true, false},
		"Windows":            {windows, true, false},
		"nobody asks":        {imageOf(t, v1.Config{User: "nginx"}, base), false, false},
		"twin: a name":       {imageOf(t, v1.Config{User: "nginx"}, base), true, true},
	} {
		t.Run(name, func(t *testing.T) {
			server := startServer(t, ociserver.Options{})
			digest := pushThis(t, server, "app:v1", test.image)
			client, _ := newClient(t, server, nil)
			images := []plugin.Image{{Written: "app:v1", Reference: reference(t, server.Host()+"/app:v1"), Digest: digest}}
			findings := registry.Inspector{Client: client, Users: test.users}.Inspect(t.Context(), images)
			want := 1 // the config
			if test.asked {
				want = 2
			}
			if got := server.Count(ociserver.ClassBlob); len(findings) != 0 || (images[0].Config.Named != nil) != test.asked || got != want {
				t.Errorf("%+v after %d requests for blobs, %+v", images[0].Config, got, findings)
			}
		})
	}
}

func mutateOS(t *testing.T, image v1.Image, system string) v1.Image {
	t.Helper()
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS = system
	made, err := mutate.ConfigFile(image, config)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// manyObjects are 1,000 Deployments that use 20 images.
func manyObjects(host string) []plugin.Object {
	var objects []plugin.Object
	for i := range 1000 {
		container := map[string]any{"name": "web", "image": fmt.Sprintf("%s/app-%d:v1", host, i%20)}
		pod := map[string]any{"containers": []any{container}}
		objects = append(objects, plugin.Object{Fields: map[string]any{
			"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": fmt.Sprint("web-", i)},
			"spec": map[string]any{"template": map[string]any{"spec": pod}},
		}})
	}
	return objects
}

// TestInsides_EachConfigAndEachLayerIsFetchedOnce: of 1,000 objects with 20
// images, whose users are names, and again for another application.
func TestInsides_EachConfigAndEachLayerIsFetchedOnce(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	images, findings := plugin.ImageFinder{}.Find(manyObjects(server.Host()))
	if len(images) != 20 || len(findings) != 0 {
		t.Fatalf("%d images, %+v", len(images), findings)
	}
	for i := range images {
		repository := strings.TrimPrefix(images[i].Reference.Repository, server.Host()+"/")
		below := layer(t, passwd(nginxLine), file{name: fmt.Sprint("app-", i)})
		images[i].Digest = pushThis(t, server, repository+":v1", imageOf(t, v1.Config{User: "nginx"}, below, layer(t, file{name: fmt.Sprint("top-", i)})))
	}
	client, _ := newClient(t, server, nil)
	inspector := registry.Inspector{Client: client, Users: true}
	var group sync.WaitGroup
	server.ResetRequests()
	for range 4 {
		group.Go(func() {
			again := slices.Clone(images)
			if findings := inspector.Inspect(t.Context(), again); len(findings) != 0 || slices.ContainsFunc(again, func(i plugin.Image) bool { return i.Config.Named.ID != 101 }) {
				t.Errorf("findings %+v", findings)
			}
		})
	}
	group.Wait()
	if manifests, blobs := server.Count(ociserver.ClassDigest), server.Count(ociserver.ClassBlob); manifests != 20 || blobs != 20*3 {
		t.Errorf("%d requests for manifests and %d for blobs, want 20 and 20 configs with 40 layers", manifests, blobs)
	}
}

// TestInsides_AreNotKnownInAnotherRepository: what one credential could read
// says nothing about what another may.
func TestInsides_AreNotKnownInAnotherRepository(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	image := imageOf(t, v1.Config{User: "nginx"}, layer(t, passwd(nginxLine)))
	client, _ := newClient(t, server, nil)
	var digest string
	for _, repository := range []string{"team-a/app", "team-b/app"} {
		digest = pushThis(t, server, repository+":v1", image)
	}
	for i, repository := range []string{"team-a/app", "team-b/app", "team-a/app"} {
		images := []plugin.Image{{Written: repository, Reference: reference(t, server.Host()+"/"+repository+":v1"), Digest: digest}}
		registry.Inspector{Client: client, Users: true}.Inspect(t.Context(), images)
		if want := []int{2, 4, 4}[i]; server.Count(ociserver.ClassBlob) != want || images[0].Config.Named.ID != 101 {
			t.Errorf("%s: %d requests for blobs, want %d", repository, server.Count(ociserver.ClassBlob), want)
		}
	}
}

func TestInsides_LayersBelowTheOneThatSaysItAreNotRead(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	below, says, above := layer(t, passwd("nginx:x:1:1::/:/\n")), layer(t, passwd(nginxLine)), layer(t, file{name: "app"})
	digest := pushThis(t, server, "app:v1", imageOf(t, v1.Config{User: "nginx"}, below, says, above))
	client, _ := newClient(t, server, nil)
	if config, findings := lookInto(t, client, server, digest); config.Named.ID != 101 || len(findings) != 0 {
		t.Errorf("got %+v, %+v", config.Named, findings)
	}
	for _, request := range server.Requests() {
		if strings.HasSuffix(request.Path, digestOfLayer(t, below)) {
			t.Error("the lowest layer was read")
		}
	}
}

func TestInsides_ProgramsWithMoreRightsThanTheirUser(t *testing.T) {
	users := passwd(nginxLine)
	capable := map[string]string{"SCHILY.xattr.security.capability": "\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"}
	for name, test := range map[string]struct {
		config v1.Config
		layers [][]file
		want   string
	}{
		"setuid":                          {v1.Config{Entrypoint: []string{"/app"}}, [][]file{{users, {name: "app", mode: 0o4755}}}, "/app is setuid"},
		"setgid":                          {v1.Config{Entrypoint: []string{"/app"}}, [][]file{{users, {name: "app", mode: 0o2755}}}, "/app is setgid"},
		"file capabilities":               {v1.Config{Entrypoint: []string{"/app"}}, [][]file{{users, {name: "app", mode: 0o755, records: capable}}}, "/app has file capabilities"},
		"in PATH":                         {v1.Config{Env: []string{"A=b", "PATH=/opt/x:/opt/y"}, Cmd: []string{"app"}}, [][]file{{users, {name: "opt/y/app", mode: 0o4755}}}, "/opt/y/app is setuid"},
		"in the usual PATH":               {v1.Config{Cmd: []string{"app"}}, [][]file{{users, {name: "usr/local/bin/app", mode: 0o4755}}}, "/usr/local/bin/app is setuid"},
		"an argument of the entry point":  {v1.Config{Entrypoint: []string{"tini", "--"}, Cmd: []string{"app"}}, [][]file{{users, {name: "bin/app", mode: 0o4755}}}, "/bin/app is setuid"},
		"where /bin is a link":            {v1.Config{Cmd: []string{"/bin/app"}}, [][]file{{users, {name: "usr/bin/app", mode: 0o4755}}}, "/usr/bin/app is setuid"},
		"in a layer above":                {v1.Config{Cmd: []string{"/app"}}, [][]file{{users}, {{name: "app", mode: 0o4755}}}, "/app is setuid"},
		"also where the user is unknown":  {v1.Config{Cmd: []string{"/app"}}, [][]file{{{name: "app", mode: 0o4755}}}, "/app is setuid"},
		"twin: no such bits":              {v1.Config{Cmd: []string{"/app"}}, [][]file{{users, {name: "app", mode: 0o755}}}, ""},
		"twin: a directory":               {v1.Config{Cmd: []string{"/app"}}, [][]file{{users, {name: "app/", mode: 0o2755, kind: tar.TypeDir}}}, ""},
		"twin: replaced above":            {v1.Config{Cmd: []string{"/app"}}, [][]file{{{name: "app", mode: 0o4755}, users}, {{name: "app", mode: 0o755}}}, ""},
		"twin: removed above":             {v1.Config{Cmd: []string{"/app"}}, [][]file{{{name: "app", mode: 0o4755}, users}, {{name: ".wh.app"}}}, ""},
		"twin: in a layer that is unread": {v1.Config{Cmd: []string{"/app"}}, [][]file{{{name: "app", mode: 0o4755}}, {users}}, ""},
		"twin: another program":           {v1.Config{Cmd: []string{"/app"}}, [][]file{{users, {name: "bin/app", mode: 0o4755}}}, ""},
		"twin: an option":                 {v1.Config{Cmd: []string{"/app", "-x"}}, [][]file{{users, {name: "bin/-x", mode: 0o4755}}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			test.config.User = "nginx"
			config, findings := known(t, test.config, layersOf(t, test.layers...)...)
			var got []string
			for _, each := range config.Elevated {
				got = append(got, each.Path+" "+each.How)
				if !strings.HasPrefix(each.Layer, "sha256:") || !slices.Contains(slices.Concat(config.Entrypoint, config.Cmd), each.Word) {
					t.Errorf("%+v", each)
				}
			}
			if strings.Join(got, ", ") != test.want || len(findings) != 0 {
				t.Errorf("got %q, want %q; %+v", got, test.want, findings)
			}
		})
	}
}

// TestInsides_OneNumberForEveryRequiredPlatform: the same manifests start the
// container on all nodes.
func TestInsides_OneNumberForEveryRequiredPlatform(t *testing.T) {
	nobody := imageOf(t, v1.Config{User: "nginx"}, layer(t, passwd("")))
	build := func(user string, number int) v1.Image {
		return imageOf(t, v1.Config{User: user}, layer(t, passwd(fmt.Sprintf("nginx:x:%d:%d::/:/\n", number, number))))
	}
	both := []string{"linux/amd64", "linux/arm64"}
	for name, test := range map[string]struct {
		required []string
		amd, arm v1.Image
		unknown  string
		blobs    int
	}{
		"the same number":         {both, build("nginx", 101), build("nginx", 101), "", 2}, // the same config and layer, once
		"another number":          {both, build("nginx", 101), build("nginx", 102), "it is 101, but 102 in the image for linux/arm64", 4},
		"another user":            {both, build("nginx", 101), build("65532", 101), `of the image for linux/arm64: its user is "65532"`, 3},
		"root":                    {both, build("nginx", 101), build("", 101), `of the image for linux/arm64: its user is ""`, 3},
		"no such user":            {both, build("nginx", 101), imageOf(t, v1.Config{User: "nginx"}), "of the image for linux/arm64: the image's /etc/passwd does not exist", 3},
		"not known of the first":  {both, nobody, build("nginx", 101), `the image's /etc/passwd has no user "nginx"`, 2},
		"twin: no node needs it":  {both[:1], build("nginx", 101), build("nginx", 102), "", 2},
		"twin: nothing is needed": {nil, build("nginx", 101), build("nginx", 102), "", 2},
	} {
		t.Run(name, func(t *testing.T) {
			server := startServer(t, ociserver.Options{})
			digest := pushPlatforms(t, server, map[string]v1.Image{"linux/amd64": test.amd, "linux/arm64": test.arm})
			client, _ := newClient(t, server, nil)
			images := []plugin.Image{{Written: "app:v1", Reference: reference(t, server.Host()+"/app:v1"), Digest: digest}}
			findings := registry.Inspector{Client: client, Users: true, Platforms: test.required}.Inspect(t.Context(), images)
			named := images[0].Config.Named
			if len(findings) != 0 || named.Unknown != test.unknown || (named.ID == 101) != (test.unknown == "") || named.NoAnswer {
				t.Errorf("got %+v, %+v", named, findings)
			}
			if got := server.Count(ociserver.ClassBlob); got != test.blobs {
				t.Errorf("%d requests for blobs, want %d", got, test.blobs)
			}
		})
	}
}

// pushPlatforms pushes app:v1 as an index of images by platform.
func pushPlatforms(t *testing.T, server *ociserver.Server, images map[string]v1.Image) string {
	t.Helper()
	index := v1.ImageIndex(empty.Index)
	for _, platform := range slices.Sorted(maps.Keys(images)) {
		parsed, err := v1.ParsePlatform(platform)
		if err != nil {
			t.Fatal(err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: images[platform], Descriptor: v1.Descriptor{Platform: parsed}})
	}
	ref, err := name.NewTag(server.Host() + "/app:v1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(ref, index); err != nil {
		t.Fatal(err)
	}
	digest, err := index.Digest()
	if err != nil {
		t.Fatal(err)
	}
	server.ResetRequests()
	return digest.String()
}
