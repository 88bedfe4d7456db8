package flux

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/client"

	sourcev1 "github.com/fluxcd/source-controller/api/v1"
)

// Cluster says what the API server offers.
type Cluster interface {
	// Capabilities are its version ("v1.36.3") and what helm's .Capabilities has of
	// its kinds ("apps/v1", "apps/v1/Deployment"), sorted.
	Capabilities() (version string, kinds []string, err error)
}

// NewCluster asks the API server, at most once in ten minutes.
func NewCluster(client discovery.DiscoveryInterface, clock func() time.Time) Cluster {
	return &discovered{client: client, clock: clock}
}

const freshCapabilities = 10 * time.Minute

type discovered struct {
	client discovery.DiscoveryInterface
	clock  func() time.Time

	mu      sync.Mutex
	asked   time.Time
	version string
	kinds   []string
}

// Capabilities implements Cluster. A group whose server does not answer makes
// it fail: a chart would be rendered as if the group were not installed.
func (d *discovered) Capabilities() (string, []string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.version != "" && d.clock().Sub(d.asked) < freshCapabilities {
		return d.version, d.kinds, nil
	}
	version, err := d.client.ServerVersion()
	if err != nil {
		return "", nil, fmt.Errorf("asking for the version: %w", err)
	}
	_, lists, err := d.client.ServerGroupsAndResources()
	if err != nil {
		return "", nil, fmt.Errorf("asking for the kinds: %w", err)
	}
	seen := map[string]bool{}
	for _, list := range lists {
		seen[list.GroupVersion] = true
		for _, resource := range list.APIResources {
			if !strings.Contains(resource.Name, "/") {
				seen[list.GroupVersion+"/"+resource.Kind] = true
			}
		}
	}
	d.kinds = d.kinds[:0:0]
	for kind := range seen {
		d.kinds = append(d.kinds, kind)
	}
	slices.Sort(d.kinds)
	d.version, d.asked = version.GitVersion, d.clock()
	return d.version, d.kinds, nil
}

// fluxRelease is the oldest release of Flux that is supported.
const fluxRelease = "2.8.0"

// CheckFlux returns an error unless Flux's sources are served, and are of a
// release that is supported where their definition says it (the label that
// Flux's manifests have). The error says what to install.
func CheckFlux(ctx context.Context, asked discovery.DiscoveryInterface, reader client.Reader) error {
	if err := context.Cause(ctx); err != nil {
		return fmt.Errorf("looking for Flux: %w", err)
	}
	served, err := asked.ServerResourcesForGroupVersion(sourcev1.GroupVersion.String())
	switch {
	case apierrors.IsNotFound(err):
		return fmt.Errorf("looking for Flux: the API server does not serve %s; install Flux %s or later (flux install), and its source-controller with it", sourcev1.GroupVersion, fluxRelease)
	case err != nil:
		return fmt.Errorf("looking for Flux: %w", err)
	}
	have := map[string]bool{}
	for _, resource := range served.APIResources {
		have[resource.Kind] = true
	}
	var missing []string
	for kind := range sourceKinds() {
		if !have[kind] {
			missing = append(missing, kind)
		}
	}
	if slices.Sort(missing); len(missing) > 0 {
		return fmt.Errorf("looking for Flux: its source-controller does not define %s; it is older than Flux %s: upgrade it (flux install)", strings.Join(missing, ", "), fluxRelease)
	}
	return checkRelease(ctx, reader)
}

// checkRelease looks at the definition of ExternalArtifacts. One that may not be
// read or does not say its release passes: the kinds are there.
func checkRelease(ctx context.Context, reader client.Reader) error {
	definition := &metav1.PartialObjectMetadata{}
	definition.SetGroupVersionKind(schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"})
	if err := reader.Get(ctx, client.ObjectKey{Name: "externalartifacts." + sourcev1.GroupVersion.Group}, definition); err != nil {
		if apierrors.IsForbidden(err) || apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("looking for the release of Flux: %w", err)
	}
	installed, err := version.ParseSemantic(definition.Labels["app.kubernetes.io/version"])
	if err != nil {
		return nil //nolint:nilerr // no label of Flux's manifests
	}
	if installed.LessThan(version.MustParseSemantic(fluxRelease)) {
		return fmt.Errorf("looking for Flux: %s is installed; assay-source needs %s or later: upgrade it (flux install)", installed, fluxRelease)
	}
	return nil
}
