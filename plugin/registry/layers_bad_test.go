package registry_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

// instead answers requests for a blob with something else.
func instead(digest string, fault ociserver.Fault) func(*http.Request) *ociserver.Fault {
	return func(r *http.Request) *ociserver.Fault {
		if strings.HasSuffix(r.URL.Path, digest) {
			return &fault
		}
		return nil
	}
}

// TestLayers_WhatTheRegistrySendsInTheirPlaceIsNeverBelieved: who controls the
// registry cannot make a user look like another, whatever else the bytes say.
func TestLayers_WhatTheRegistrySendsInTheirPlaceIsNeverBelieved(t *testing.T) {
	honest := archive(t, passwd("app:x:0:0::/:/\n"), file{name: "app", content: strings.Repeat("x", 4096)})
	lie := archive(t, passwd("app:x:1000:1000::/:/\n"), file{name: "app", content: strings.Repeat("x", 4096)})
	for name, test := range map[string]struct {
		sent []byte
		rule string
	}{
		"another passwd":           {lie, "registry/wrong-digest"},
		"another end":              {append(slices.Clone(honest[:len(honest)-1]), 1), "registry/wrong-digest"},
		"bytes behind the end":     {append(slices.Clone(honest), 0), "registry/invalid-answer"},
		"an end too early":         {honest[:len(honest)-512], "registry/wrong-digest"},
		"nothing":                  {[]byte{}, "registry/wrong-digest"},
		"no archive":               {[]byte("no archive"), "registry/wrong-digest"},
		"a bomb":                   {gzipped(t, make([]byte, 8<<20)), "registry/invalid-answer"},
		"twin: what its digest is": {honest, ""},
	} {
		t.Run(name, func(t *testing.T) {
			server := startServer(t, ociserver.Options{})
			base := static.NewLayer(honest, types.OCIUncompressedLayer)
			digest := pushThis(t, server, "app:v1", imageOf(t, v1.Config{User: "app"}, base))
			client, _ := newClient(t, server, func(o *registry.Options) { o.Limits = limitsWith(t, map[string]int64{"layerUnpackedBytes": 1 << 20}) })
			server.SetFault(instead(digestOfLayer(t, base), ociserver.Fault{Body: test.sent}))
			config, findings := lookInto(t, client, server, digest)
			switch {
			case config.Named == nil || config.Named.ID != 0 || config.Named.NoAnswer || (config.Named.Unknown == "") != (test.rule == ""):
				t.Errorf("got %+v", config.Named)
			case test.rule == "":
				if len(findings) != 0 {
					t.Errorf("findings %+v", findings)
				}
			case len(findings) != 1 || findings[0].Rule != test.rule || findings[0].Level != plugin.Deny:
				t.Errorf("findings %+v, want %s", findings, test.rule)
			}
		})
	}
}

func TestLayers_OneThatLiesAboutItsSizeIsRefused(t *testing.T) {
	data := gzipped(t, archive(t, passwd(nginxLine)))
	base, size := static.NewLayer(data, types.OCILayer), int64(len(data))
	for name, test := range map[string]struct {
		says   int64
		denied string
	}{
		"more than it has":  {size + 1, "it has fewer"},
		"fewer than it has": {size - 1, "it has more"},
		"none":              {0, "it has more"},
		"twin: the truth":   {size, ""},
	} {
		t.Run(name, func(t *testing.T) {
			server := startServer(t, ociserver.Options{})
			digest := pushManifestOf(t, server, imageOf(t, v1.Config{User: "nginx"}, sized{base, test.says}), data)
			client, _ := newClient(t, server, nil)
			config, findings := lookInto(t, client, server, digest)
			if test.denied == "" {
				if len(findings) != 0 || config.Named.ID != 101 {
					t.Errorf("got %+v, %+v", config.Named, findings)
				}
				return
			}
			if len(findings) != 1 || findings[0].Level != plugin.Deny || !strings.Contains(findings[0].Message, test.denied) || config.Named.Unknown == "" || config.Named.ID != 0 {
				t.Errorf("got %+v, %+v", config.Named, findings)
			}
		})
	}
}

func TestLayers_WhatIsOverALimitIsUnknown(t *testing.T) {
	filler := file{name: "zeros", content: strings.Repeat("\x00", 4<<20)}
	bomb := archive(t, filler, passwd(nginxLine))
	many := []file{passwd(nginxLine)}
	for i := range 100 {
		many = append(many, file{name: fmt.Sprint("f", i)})
	}
	for name, test := range map[string]struct {
		limit  string
		value  int64 // is too little, and ten times as much is enough
		layers []v1.Layer
		says   string
	}{
		"a bomb of gzip":        {"layerUnpackedBytes", 1 << 20, []v1.Layer{static.NewLayer(gzipped(t, bomb), types.OCILayer)}, "unpack to too much"},
		"a bomb of zstd":        {"layerUnpackedBytes", 1 << 20, []v1.Layer{static.NewLayer(zstandard(t, bomb), types.OCILayerZStd)}, "unpack to too much"},
		"a bomb of two layers":  {"layerUnpackedBytes", 5 << 20, []v1.Layer{layer(t, passwd(nginxLine), filler), layer(t, filler)}, "unpack to too much"},
		"many files":            {"layerEntries", 50, []v1.Layer{layer(t, many...)}, "hold too many files"},
		"a layer that is large": {"layerBytes", 100, []v1.Layer{layer(t, passwd(nginxLine))}, "are too large"},
		"layers that are large": {"layerBytes", 200, []v1.Layer{layer(t, passwd(nginxLine)), layer(t, file{name: "a"})}, "are too large"},
		"many layers":           {"layers", 1, []v1.Layer{layer(t, passwd(nginxLine)), layer(t, file{name: "a"})}, "are too many"},
		"layers read for links": {"layers", 3, []v1.Layer{layer(t, file{name: "users", content: nginxLine}, symlink("etc/passwd", "/users")), layer(t, file{name: "a"})}, "are too many"},
		"a passwd that is long": {"passwdBytes", 20, []v1.Layer{layer(t, passwd(nginxLine))}, "is larger than 20 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			config, findings := knownWithin(t, map[string]int64{test.limit: test.value}, v1.Config{User: "nginx"}, test.layers...)
			if named := config.Named; len(findings) != 0 || named == nil || named.ID != 0 || named.NoAnswer || !strings.Contains(named.Unknown, test.says) || !strings.Contains(named.Unknown, test.limit) {
				t.Errorf("got %+v, %+v", config.Named, findings)
			}
			if config, findings = knownWithin(t, map[string]int64{test.limit: 10 * test.value}, v1.Config{User: "nginx"}, test.layers...); config.Named == nil || config.Named.ID != 101 {
				t.Errorf("twin: got %+v, %+v", config.Named, findings)
			}
		})
	}
}

func TestLayers_OnesThatCannotBeReadAreUnknownWithoutARequest(t *testing.T) {
	data := gzipped(t, archive(t, passwd(nginxLine)))
	for mediaType, says := range map[types.MediaType]string{
		types.OCIRestrictedLayer:        "not the registry's to give",
		types.DockerForeignLayer:        "not the registry's to give",
		types.OCILayer + "+encrypted":   "is encrypted",
		"application/vnd.wasm.layer.v1": `the type "application/vnd.wasm.layer.v1"`,
		"":                              `the type ""`,
		types.OCILayer:                  "",
	} {
		t.Run(string(mediaType), func(t *testing.T) {
			server := startServer(t, ociserver.Options{})
			image := imageOf(t, v1.Config{User: "nginx"}, static.NewLayer(data, mediaType))
			config := pushManifestOf(t, server, image, data)
			client, _ := newClient(t, server, nil)
			got, findings := lookInto(t, client, server, config)
			if len(findings) != 0 || got.Named == nil || (got.Named.Unknown == "") != (says == "") || !strings.Contains(got.Named.Unknown, says) {
				t.Fatalf("got %+v, %+v", got.Named, findings)
			}
			want := 2
			if says != "" {
				want = 1
			}
			if server.Count(ociserver.ClassBlob) != want {
				t.Errorf("%d requests for blobs, want %d", server.Count(ociserver.ClassBlob), want)
			}
		})
	}
}

// pushManifestOf pushes an image whose layers a registry need not have.
func pushManifestOf(t *testing.T, server *ociserver.Server, image v1.Image, layers ...[]byte) string {
	t.Helper()
	manifest, err := image.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.RawConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	for _, blob := range append(layers, config) {
		pushBlob(t, server, "app", blob)
	}
	digest := digestOf(manifest)
	put(t, "http://"+server.Host()+"/v2/app/manifests/"+digest, string(types.OCIManifestSchema1), manifest)
	server.ResetRequests()
	return digest
}

func TestLayers_BrokenOnesAreUnknown(t *testing.T) {
	packed := gzipped(t, archive(t, passwd(nginxLine)))
	skipped := bytes.Repeat([]byte{0}, 100)
	for name, data := range map[string][]byte{
		"gzip cut short":    packed[:len(packed)-20],
		"gzip with noise":   append(slices.Clone(packed[:20]), skipped...),
		"gzip header alone": {0x1f, 0x8b},
		"zstd cut short":    zstandard(t, archive(t, passwd(nginxLine)))[:20],
		"no archive":        []byte(strings.Repeat("no archive ", 100)),
		"archive cut short": archive(t, passwd(nginxLine))[:520],
		"nothing":           {},
	} {
		t.Run(name, func(t *testing.T) {
			config, findings := known(t, v1.Config{User: "nginx"}, static.NewLayer(data, types.OCILayer))
			if len(findings) != 0 || config.Named == nil || config.Named.Unknown == "" || config.Named.NoAnswer || config.Named.ID != 0 {
				t.Errorf("got %+v, %+v", config.Named, findings)
			}
		})
	}
}

func TestLayers_NoAnswerIsUndeterminedAndNotRemembered(t *testing.T) {
	base := layer(t, passwd(nginxLine))
	for name, test := range map[string]struct {
		fault ociserver.Fault
		says  string
	}{
		"an error":       {ociserver.Fault{Status: http.StatusInternalServerError}, "500"},
		"throttled":      {ociserver.Fault{Status: http.StatusTooManyRequests}, "429"},
		"not allowed":    {ociserver.Fault{Status: http.StatusForbidden}, "403"},
		"cut short":      {ociserver.Fault{Body: make([]byte, 100), Truncate: true}, "EOF"},
		"nothing at all": {ociserver.Fault{Hang: true}, "limit requestSeconds"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startServer(t, ociserver.Options{})
			digest := pushThis(t, server, "app:v1", imageOf(t, v1.Config{User: "nginx"}, base))
			client, _ := newClient(t, server, func(o *registry.Options) {
				o.Limits = limitsWith(t, map[string]int64{"retries": 1, "requestSeconds": 1})
			})
			server.SetFault(instead(digestOfLayer(t, base), test.fault))
			config, findings := lookInto(t, client, server, digest)
			if len(findings) != 1 || findings[0].Level != plugin.Undetermined || !strings.Contains(fmt.Sprint(findings[0]), test.says) {
				t.Errorf("findings %+v", findings)
			}
			if config.Named == nil || !config.Named.NoAnswer || config.Named.Unknown == "" || config.Named.ID != 0 {
				t.Errorf("got %+v", config.Named)
			}
			server.SetFault(nil)
			if config, findings = lookInto(t, client, server, digest); len(findings) != 0 || config.Named.ID != 101 || config.Named.NoAnswer {
				t.Errorf("twin, the next time: %+v, %+v", config.Named, findings)
			}
		})
	}
}

func TestLayers_OneThatTheRegistryDoesNotHaveIsDenied(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	image := imageOf(t, v1.Config{User: "nginx"}, layer(t, passwd(nginxLine)))
	digest := pushManifestOf(t, server, image)
	client, _ := newClient(t, server, nil)
	config, findings := lookInto(t, client, server, digest)
	if len(findings) != 1 || findings[0].Rule != "registry/not-found" || findings[0].Level != plugin.Deny || config.Named.Unknown == "" || config.Named.NoAnswer {
		t.Errorf("got %+v, %+v", config.Named, findings)
	}
}

func TestLayers_WhoLeavesHasNoAnswer(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	base := layer(t, passwd(nginxLine))
	digest := pushThis(t, server, "app:v1", imageOf(t, v1.Config{User: "nginx"}, base))
	client, _ := newClient(t, server, nil)
	left := errors.New("left")
	ctx, leave := context.WithCancelCause(t.Context())
	server.SetFault(func(r *http.Request) *ociserver.Fault {
		if strings.HasSuffix(r.URL.Path, digestOfLayer(t, base)) {
			leave(left)
			return &ociserver.Fault{Hang: true}
		}
		return nil
	})
	images := []plugin.Image{{Written: "app:v1", Reference: reference(t, server.Host()+"/app:v1"), Digest: digest}}
	findings := registry.Inspector{Client: client, Users: true}.Inspect(ctx, images)
	if len(findings) != 1 || findings[0].Level != plugin.Undetermined || images[0].Config == nil || !images[0].Config.Named.NoAnswer {
		t.Errorf("findings %+v, %+v", findings, images[0].Config)
	}
}

// TestLayers_CutShortIsReadAnew: what a broken try used up is given back, and
// what it said is forgotten.
func TestLayers_CutShortIsReadAnew(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	files := archive(t, passwd(nginxLine), file{name: "zeros", content: strings.Repeat("\x00", 1<<20)})
	base := static.NewLayer(files, types.OCIUncompressedLayer)
	digest := pushThis(t, server, "app:v1", imageOf(t, v1.Config{User: "nginx"}, base))
	tight := map[string]int64{"layerBytes": int64(len(files)) + 1, "layerUnpackedBytes": int64(len(files)), "layerEntries": 2, "layers": 1}
	client, _ := newClient(t, server, func(o *registry.Options) { o.Limits = limitsWith(t, tight) })
	tries := 0
	server.SetFault(func(r *http.Request) *ociserver.Fault {
		if !strings.HasSuffix(r.URL.Path, digestOfLayer(t, base)) {
			return nil
		}
		if tries++; tries == 1 {
			return &ociserver.Fault{Body: files, Truncate: true}
		}
		return nil
	})
	if config, findings := lookInto(t, client, server, digest); tries != 2 || len(findings) != 0 || config.Named.ID != 101 {
		t.Errorf("after %d tries: %+v, %+v", tries, config.Named, findings)
	}
}

func TestLayers_RedirectsAreFollowed(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	base := layer(t, passwd(nginxLine))
	digest := pushThis(t, server, "app:v1", imageOf(t, v1.Config{User: "nginx"}, base))
	pushThis(t, server, "store:v1", imageOf(t, v1.Config{}, base))
	client, _ := newClient(t, server, nil)
	server.SetFault(func(r *http.Request) *ociserver.Fault {
		if strings.HasSuffix(r.URL.Path, digestOfLayer(t, base)) && strings.HasPrefix(r.URL.Path, "/v2/app/") {
			to := strings.Replace(r.URL.Path, "/app/", "/store/", 1)
			return &ociserver.Fault{Status: http.StatusTemporaryRedirect, Header: http.Header{"Location": {to}}, Body: []byte("elsewhere")}
		}
		return nil
	})
	if config, findings := lookInto(t, client, server, digest); len(findings) != 0 || config.Named.ID != 101 {
		t.Errorf("got %+v, %+v", config.Named, findings)
	}
}
