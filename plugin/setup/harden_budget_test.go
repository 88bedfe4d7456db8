package setup_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

// Hardening 1,000 objects of 20 images, all that a gate can ask for: each image's
// manifest and configuration are read once however many Pods use it, and of a
// user by name the layer with /etc/passwd once. A user by number costs no layer.
func TestBudget_HardeningReadsEachImageOnce(t *testing.T) {
	w := newHardenedWorld(t)
	read := map[string]bool{}
	for i := range signedImages {
		for _, blob := range w.pushUser(t, i, i%4 == 0) {
			read[blob] = true
		}
	}
	s := w.newSetup(t, nil)
	w.registry.ResetRequests()
	source := w.stream(t, size{450, 450, 99})
	source.Rendered = append(source.Rendered, "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"...)
	verdict := s.Judge(t.Context(), source)
	if !verdict.Allowed() {
		t.Fatalf("denied: %+v", verdict.Findings[:min(3, len(verdict.Findings))])
	}
	users := 0
	for _, change := range verdict.Findings {
		if change.Rule == "harden/runAsUser" && change.Now == "101" {
			users++
		}
	}
	if named := 450/20*5 + 3; users != named {
		t.Errorf("%d users by name were given their number, want %d", users, named)
	}
	times := map[string]int{}
	for _, request := range w.registry.Requests() {
		if request.Class == ociserver.ClassBlob {
			times[request.Path[strings.LastIndex(request.Path, "/")+1:]]++
		}
	}
	for blob := range read {
		if times[blob] != 1 {
			t.Errorf("%s was read %d times, want once", blob, times[blob])
		}
	}
	if len(times) != len(read) {
		t.Errorf("%d blobs were read, want %d: the configurations, and the layers of users by name", len(times), len(read))
	}
	if got, want := w.registry.Count(ociserver.ClassTag), signedImages; got != want {
		t.Errorf("%d tags were asked for, want %d", got, want)
	}
	if got, want := w.registry.Count(), 1+2*signedImages+len(read); got != want {
		t.Errorf("%d requests, want %d: a ping, and for each image a tag, a manifest and what was read", got, want)
	}
}

// newHardenedWorld has a gate that trusts the registry and asks for all that
// hardening can do.
func newHardenedWorld(tb testing.TB) *world {
	tb.Helper()
	w := newWorld(tb)
	var err error
	w.config, err = gate.Parse("gate.yaml", []byte(w.gateWith(`harden:
    readOnlyRootFilesystem: true
    serviceAccountTokens: true
    resources: {requests: {cpu: 50m}}
    podSecurityLabels: restricted
    networkPolicies: IngressAndEgress
    appArmor: true
    userNamespaces: true`, "{name: anyone, static: {action: pass}}")))
	check(tb, err)
	return w
}

// pushUser replaces an image by one whose user has a number, or the name nginx.
// It returns the digests of what is read of it: the configuration and, for a
// name, the layer that says its number.
func (w *world) pushUser(tb testing.TB, i int, byName bool) []string {
	tb.Helper()
	layer, err := ociserver.Layer(ociserver.File{Name: "etc/passwd", Content: fmt.Sprintf("root:x:0:0::/:/bin/sh\nnginx:x:101:101:%d:/:/bin/sh\n", i)})
	check(tb, err)
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	user := "65532"
	if byName {
		user = "nginx"
	}
	image, err := mutate.ConfigFile(base, &v1.ConfigFile{
		OS: "linux", Architecture: "amd64", RootFS: v1.RootFS{Type: "layers"}, Config: v1.Config{User: user, Labels: map[string]string{"image": fmt.Sprint(i)}},
	})
	check(tb, err)
	image, err = mutate.AppendLayers(image, layer)
	check(tb, err)
	tag, err := name.NewTag(w.image(i), name.Insecure)
	check(tb, err)
	check(tb, remote.Write(tag, image, remote.WithContext(tb.Context())))
	config, err := image.ConfigName()
	check(tb, err)
	read := []string{config.String()}
	if byName {
		digest, err := layer.Digest()
		check(tb, err)
		read = append(read, digest.String())
	}
	return read
}
