package registry_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

func imageFor(t *testing.T, platform, user string) v1.Image {
	t.Helper()
	base, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := v1.ParsePlatform(platform)
	if err != nil {
		t.Fatal(err)
	}
	image, err := mutate.ConfigFile(base, &v1.ConfigFile{
		OS: parsed.OS, Architecture: parsed.Architecture, Variant: parsed.Variant, RootFS: v1.RootFS{Type: "layers"},
		Config: v1.Config{
			User: user, ExposedPorts: map[string]struct{}{"8080/tcp": {}, "443/tcp": {}}, Volumes: map[string]struct{}{"/data": {}},
			Entrypoint: []string{"/app"}, Cmd: []string{"serve"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// sizeOf is the sum of an image's config and layers.
func sizeOf(t *testing.T, image v1.Image) int64 {
	t.Helper()
	manifest, err := image.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	sum := manifest.Config.Size
	for _, layer := range manifest.Layers {
		sum += layer.Size
	}
	return sum
}

// pushIndex pushes an index of images whose user is their platform, with a
// statement as BuildKit adds it.
func pushIndex(t *testing.T, server *ociserver.Server, tag string, platforms ...string) string {
	t.Helper()
	index := v1.ImageIndex(empty.Index)
	for _, platform := range platforms {
		parsed, err := v1.ParsePlatform(platform)
		if err != nil {
			t.Fatal(err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: imageFor(t, platform, platform), Descriptor: v1.Descriptor{Platform: parsed}})
	}
	index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: imageFor(t, "linux/amd64", "statement"), Descriptor: v1.Descriptor{
		Platform: &v1.Platform{OS: "unknown", Architecture: "unknown"}, Annotations: map[string]string{"vnd.docker.reference.type": "attestation-manifest"},
	}})
	ref, err := name.NewTag(server.Host() + "/" + tag)
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

func inspect(t *testing.T, server *ociserver.Server, digest string, platforms ...string) (plugin.Image, []plugin.Finding) {
	t.Helper()
	client, _ := newClient(t, server, nil)
	images := []plugin.Image{{Written: server.Host() + "/app:v1", Reference: reference(t, server.Host()+"/app:v1"), Digest: digest}, {Written: "no digest"}}
	findings := registry.Inspector{Client: client, Platforms: platforms}.Inspect(context.Background(), images)
	return images[0], findings
}

func TestInspect_SingleImageCostsTwoRequests(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	made := imageFor(t, "linux/arm64", "65532:65532")
	digest := pushThis(t, server, "app:v1", made)
	image, findings := inspect(t, server, digest, "linux/arm64")
	if len(findings) != 0 || image.Config == nil {
		t.Fatalf("got %+v, %+v", image.Config, findings)
	}
	config := image.Config
	if config.User != "65532:65532" || config.OS != "linux" || config.Architecture != "arm64" || !slices.Equal(config.ExposedPorts, []string{"443/tcp", "8080/tcp"}) ||
		!slices.Equal(config.Volumes, []string{"/data"}) || !slices.Equal(config.Entrypoint, []string{"/app"}) || !slices.Equal(config.Cmd, []string{"serve"}) {
		t.Errorf("got %+v", config)
	}
	if want := sizeOf(t, made); config.Size != want {
		t.Errorf("the size is %d, want %d", config.Size, want)
	}
	if !slices.Equal(image.Platforms, []string{"linux/arm64"}) || server.Count() != 3 {
		t.Errorf("platforms %v after %d requests", image.Platforms, server.Count())
	}
}

func TestInspect_IndexCostsThreeRequestsAndTheFirstRequiredPlatformIsRead(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	digest := pushIndex(t, server, "app:v1", "linux/arm64/v8", "linux/amd64", "windows/amd64")
	for _, test := range []struct {
		required []string
		user     string
	}{{[]string{"linux/arm64", "linux/amd64"}, "linux/arm64/v8"}, {nil, "linux/amd64"}} {
		server.ResetRequests()
		image, findings := inspect(t, server, digest, test.required...)
		if len(findings) != 0 || image.Config == nil || image.Config.User != test.user {
			t.Errorf("%v: %+v, %+v", test.required, image.Config, findings)
		}
		if want := []string{"linux/amd64", "linux/arm64/v8", "windows/amd64"}; !slices.Equal(image.Platforms, want) || server.Count() != 4 {
			t.Errorf("platforms %v after %d requests", image.Platforms, server.Count())
		}
	}
}

func TestInspect_PlatformThatTheImageLacksIsDenied(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	digest := pushIndex(t, server, "app:v1", "linux/amd64")
	image, findings := inspect(t, server, digest, "linux/amd64", "linux/arm64")
	if len(findings) != 1 || findings[0].Rule != "image/platform-missing" || findings[0].Level != plugin.Deny || findings[0].Image != image.Written || findings[0].Digest != digest {
		t.Errorf("got %+v", findings)
	}
	if _, findings := inspect(t, server, digest, "linux/amd64"); len(findings) != 0 {
		t.Errorf("twin: %+v", findings)
	}
}

func TestInspect_NoAnswerIsUndeterminedWithTheImagesName(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	digest := pushThis(t, server, "app:v1", imageFor(t, "linux/amd64", ""))
	server.SetFault(func(r *http.Request) *ociserver.Fault {
		if strings.Contains(r.URL.Path, "/blobs/") {
			return &ociserver.Fault{Status: 500}
		}
		return nil
	})
	image, findings := inspect(t, server, digest)
	if len(findings) != 1 || findings[0].Level != plugin.Undetermined || findings[0].Image != image.Written || image.Config != nil {
		t.Errorf("got %+v", findings)
	}
}

func TestInspect_WrongConfigIsDeniedAndArtifactsHaveNone(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	digest := pushThis(t, server, "app:v1", imageFor(t, "linux/amd64", ""))
	server.SetFault(func(r *http.Request) *ociserver.Fault {
		if strings.Contains(r.URL.Path, "/blobs/") {
			return &ociserver.Fault{Body: []byte(`{"config":{"User":"65532"}}`)}
		}
		return nil
	})
	if _, findings := inspect(t, server, digest); len(findings) != 1 || findings[0].Rule != "registry/wrong-digest" || findings[0].Level != plugin.Deny {
		t.Errorf("got %+v", findings)
	}
	server.SetFault(nil)
	artifact, _ := pushReferrer(t, server, "app@"+digest, 1)
	if image, findings := inspect(t, server, artifact); len(findings) != 0 || image.Config != nil {
		t.Errorf("an artifact: %+v, %+v", image.Config, findings)
	}
	if _, findings := inspect(t, server, artifact, "linux/amd64"); len(findings) != 1 || findings[0].Rule != "image/platform-missing" {
		t.Errorf("an artifact where a platform is required: %+v", findings)
	}
}

func TestInspect_ConfigOf100MBIsRefused(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	digest := pushThis(t, server, "app:v1", imageFor(t, "linux/amd64", "65532"))
	server.SetFault(func(r *http.Request) *ociserver.Fault {
		if strings.Contains(r.URL.Path, "/blobs/") {
			return &ociserver.Fault{Zeros: 100_000_000}
		}
		return nil
	})
	image, findings := inspect(t, server, digest)
	if len(findings) != 1 || findings[0].Rule != "registry/limit" || findings[0].Level != plugin.Deny || image.Config != nil {
		t.Errorf("got %+v, %+v", image.Config, findings)
	}
	server.SetFault(nil)
	if image, findings = inspect(t, server, digest); len(findings) != 0 || image.Config == nil {
		t.Errorf("twin: %+v, %+v", image.Config, findings)
	}
}

// TestInspect_WhatIsMissingIsSaidBesideWhatWasNotAnswered: all problems at once.
func TestInspect_WhatIsMissingIsSaidBesideWhatWasNotAnswered(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	digest := pushIndex(t, server, "app:v1", "linux/amd64")
	server.SetFault(func(r *http.Request) *ociserver.Fault {
		if strings.Contains(r.URL.Path, "/blobs/") {
			return &ociserver.Fault{Status: http.StatusForbidden}
		}
		return nil
	})
	_, findings := inspect(t, server, digest, "linux/arm64")
	if len(findings) != 2 || findings[0].Level != plugin.Undetermined || findings[1].Rule != "image/platform-missing" {
		t.Errorf("got %+v", findings)
	}
}
