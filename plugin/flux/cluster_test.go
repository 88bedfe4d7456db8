package flux

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kubeversion "k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/discovery"
	discoveryfake "k8s.io/client-go/discovery/fake"
	clienttesting "k8s.io/client-go/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	sourcev1 "github.com/fluxcd/source-controller/api/v1"
)

func serving(kinds ...string) *discoveryfake.FakeDiscovery {
	list := &metav1.APIResourceList{GroupVersion: sourcev1.GroupVersion.String()}
	for _, kind := range kinds {
		list.APIResources = append(list.APIResources, metav1.APIResource{Name: strings.ToLower(kind) + "s", Kind: kind})
	}
	made := &discoveryfake.FakeDiscovery{Fake: &clienttesting.Fake{}, FakedServerVersion: &kubeversion.Info{GitVersion: "v1.37.2"}}
	if len(kinds) > 0 {
		made.Resources = []*metav1.APIResourceList{list}
	}
	return made
}

// defined is a reader of the definition with that label; none without one.
func defined(t *testing.T, release string) client.Reader {
	t.Helper()
	scheme := runtime.NewScheme()
	kind := schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}
	scheme.AddKnownTypeWithName(kind, &metav1.PartialObjectMetadata{})
	built := fake.NewClientBuilder().WithScheme(scheme)
	if release != "" {
		definition := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Name: "externalartifacts.source.toolkit.fluxcd.io", Labels: map[string]string{"app.kubernetes.io/version": release}}}
		definition.SetGroupVersionKind(kind)
		built = built.WithObjects(definition)
	}
	return built.Build()
}

func TestCheckFlux_SaysWhatToInstall(t *testing.T) {
	all := []string{"GitRepository", "OCIRepository", "Bucket", "HelmChart", "ExternalArtifact"}
	for _, test := range []struct {
		name    string
		asked   discovery.DiscoveryInterface
		release string
		want    string // empty passes
	}{
		{"all of it", serving(all...), "v2.8.0", ""},
		{"no label", serving(all...), "", ""},
		{"a label that is no version", serving(all...), "main", ""},
		{"a later one", serving(all...), "v2.10.1", ""},
		{"an older one", serving(all...), "v2.7.5", "2.7.5 is installed; assay-source needs 2.8.0 or later"},
		{"no ExternalArtifact", serving(all[:4]...), "", "does not define ExternalArtifact"},
		{"nothing", serving(), "", "install Flux 2.8.0 or later"},
	} {
		err := CheckFlux(t.Context(), test.asked, defined(t, test.release))
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("stopped"))
	if err := CheckFlux(ended, serving(all...), defined(t, "")); err == nil {
		t.Error("it passed without having looked")
	}
}

func TestCapabilities_AreAskedOnceInTenMinutes(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	asked := serving("GitRepository")
	cluster := NewCluster(asked, func() time.Time { return now })
	for range 3 {
		version, kinds, err := cluster.Capabilities()
		if err != nil || version != "v1.37.2" || !slices.Contains(kinds, "source.toolkit.fluxcd.io/v1/GitRepository") || !slices.IsSorted(kinds) {
			t.Fatalf("%s %v %v", version, kinds, err)
		}
	}
	before := len(asked.Actions())
	now = now.Add(11 * time.Minute)
	if _, _, err := cluster.Capabilities(); err != nil || len(asked.Actions()) == before {
		t.Errorf("after eleven minutes: %d requests, %v", len(asked.Actions()), err)
	}
}
