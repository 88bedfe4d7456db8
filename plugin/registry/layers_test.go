package registry_test

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/zstd"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

const (
	rootLine  = "root:x:0:0:root:/root:/bin/bash\n"
	nginxLine = "nginx:x:101:101:nginx user:/nonexistent:/bin/false\n"
)

// file is one entry of a layer; a plain file unless kind or link says otherwise.
type file struct {
	name, content, link string
	kind                byte
	mode                int64
	records             map[string]string
}

func passwd(content string) file { return file{name: "etc/passwd", content: content} }

func folder(name string) file { return file{name: name + "/", kind: tar.TypeDir} }

func symlink(name, target string) file { return file{name: name, link: target, kind: tar.TypeSymlink} }

func archive(t testing.TB, files ...file) []byte {
	t.Helper()
	var buffer bytes.Buffer
	writer := tar.NewWriter(&buffer)
	for _, each := range files {
		header := &tar.Header{
			Name: each.name, Linkname: each.link, Typeflag: cmp.Or(each.kind, tar.TypeReg), Mode: cmp.Or(each.mode, 0o644),
			Size: int64(len(each.content)), PAXRecords: each.records,
		}
		if err := writer.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := writer.Write([]byte(each.content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}

func gzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var buffer bytes.Buffer
	writer := gzip.NewWriter(&buffer)
	if _, err := writer.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}

func zstandard(t testing.TB, data []byte) []byte {
	t.Helper()
	writer, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return writer.EncodeAll(data, nil)
}

// layer is a compressed layer of files.
func layer(t testing.TB, files ...file) v1.Layer {
	t.Helper()
	return static.NewLayer(gzipped(t, archive(t, files...)), types.OCILayer)
}

// sized is a layer about whose size its manifest says something else.
type sized struct {
	v1.Layer
	size int64
}

func (s sized) Size() (int64, error) { return s.size, nil }

// imageOf has the layers from the bottom up.
func imageOf(t testing.TB, config v1.Config, layers ...v1.Layer) v1.Image {
	t.Helper()
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err := mutate.ConfigFile(base, &v1.ConfigFile{OS: "linux", Architecture: "amd64", RootFS: v1.RootFS{Type: "layers"}, Config: config})
	if err != nil {
		t.Fatal(err)
	}
	if image, err = mutate.AppendLayers(image, layers...); err != nil {
		t.Fatal(err)
	}
	return image
}

// known pushes an image and says what is learnt of it.
func known(t testing.TB, config v1.Config, layers ...v1.Layer) (plugin.ImageConfig, []plugin.Finding) {
	t.Helper()
	return knownWithin(t, nil, config, layers...)
}

func knownWithin(t testing.TB, limits map[string]int64, config v1.Config, layers ...v1.Layer) (plugin.ImageConfig, []plugin.Finding) {
	t.Helper()
	server := startServer(t, ociserver.Options{})
	digest := pushThis(t, server, "app:v1", imageOf(t, config, layers...))
	client, _ := newClient(t, server, func(options *registry.Options) { options.Limits = limitsWith(t, limits) })
	return lookInto(t, client, server, digest)
}

// lookInto asks for the user of app:v1.
func lookInto(t testing.TB, client *registry.Client, server *ociserver.Server, digest string) (plugin.ImageConfig, []plugin.Finding) {
	t.Helper()
	images := []plugin.Image{{Written: server.Host() + "/app:v1", Reference: reference(t, server.Host()+"/app:v1"), Digest: digest}}
	findings := registry.Inspector{Client: client, Users: true}.Inspect(t.Context(), images)
	if images[0].Config == nil {
		return plugin.ImageConfig{}, findings
	}
	return *images[0].Config, findings
}

func digestOfLayer(t testing.TB, layer v1.Layer) string {
	t.Helper()
	digest, err := layer.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return digest.String()
}
