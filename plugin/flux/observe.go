package flux

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"

	"github.com/assay-gitops/assay/plugin/flux/v1alpha1"
)

// originRevision is the artifact's metadata that says what an artifact was
// made of, where its own revision does not.
const originRevision = "org.opencontainers.image.revision"

// fluxSource is what every source of Flux has.
type fluxSource interface {
	client.Object
	conditions.Getter
	GetArtifact() *meta.Artifact
}

// sourceKinds are the kinds that a GatedSource may name.
func sourceKinds() map[string]func() fluxSource {
	return map[string]func() fluxSource{
		sourcev1.GitRepositoryKind:    func() fluxSource { return &sourcev1.GitRepository{} },
		sourcev1.OCIRepositoryKind:    func() fluxSource { return &sourcev1.OCIRepository{} },
		sourcev1.BucketKind:           func() fluxSource { return &sourcev1.Bucket{} },
		sourcev1.HelmChartKind:        func() fluxSource { return &sourcev1.HelmChart{} },
		sourcev1.ExternalArtifactKind: func() fluxSource { return &sourcev1.ExternalArtifact{} },
	}
}

// observed is a source as the cluster has it.
type observed struct {
	kind     string
	key      types.NamespacedName
	artifact meta.Artifact
	// repository is the URL that the source was taken from, without credentials;
	// empty when it does not say.
	repository string
}

// origin is the revision by which people know what they committed.
func (o observed) origin() string {
	if revision := o.artifact.Metadata[originRevision]; revision != "" {
		return revision
	}
	return o.artifact.Revision
}

// sourceKey is where the source of an object lies.
func sourceKey(object *v1alpha1.GatedSource) types.NamespacedName {
	key := types.NamespacedName{Namespace: object.Spec.SourceRef.Namespace, Name: object.Spec.SourceRef.Name}
	if key.Namespace == "" {
		key.Namespace = object.Namespace
	}
	return key
}

// observe reads the source. A source that is not there or has no artifact yet
// is a *trouble that waits.
func (r *Reconciler) observe(ctx context.Context, object *v1alpha1.GatedSource) (observed, *trouble) {
	seen := observed{kind: object.Spec.SourceRef.Kind, key: sourceKey(object)}
	subject := fmt.Sprintf("%s %s", seen.kind, seen.key)
	if r.NoCrossNamespaceRefs && seen.key.Namespace != object.Namespace {
		return seen, stalled(reasonAccessDenied, "reading %s: sources of other namespaces are not allowed here (--no-cross-namespace-refs); put a source into namespace %s", subject, object.Namespace)
	}
	make, known := sourceKinds()[seen.kind]
	if !known {
		return seen, stalled(meta.FailedReason, "reading %s: there is no such kind of source; use GitRepository, OCIRepository, Bucket, HelmChart or ExternalArtifact", subject)
	}
	source := make()
	err := r.Client.Get(ctx, seen.key, source)
	switch {
	case apierrors.IsNotFound(err):
		return seen, waiting(reasonSourceNotFound, "reading %s: it does not exist; create it, or correct spec.sourceRef", subject)
	case err != nil:
		return seen, unanswered("reading %s: %w", subject, err)
	case source.GetArtifact() == nil:
		return seen, waiting(meta.ArtifactFailedReason, "reading %s: it has no artifact yet%s", subject, said(source))
	}
	seen.artifact = *source.GetArtifact()
	seen.repository = r.repositoryOf(ctx, source)
	return seen, nil
}

// said is what a source says of itself.
func said(source fluxSource) string {
	ready := conditions.Get(source, meta.ReadyCondition)
	if ready == nil || ready.Message == "" {
		return "; its controller has not looked at it yet"
	}
	return ": " + ready.Message
}

// repositoryOf is where a source comes from. It only adds gates, so what cannot
// be known is left empty, which matches every selector.
func (r *Reconciler) repositoryOf(ctx context.Context, source fluxSource) string {
	switch source := source.(type) {
	case *sourcev1.GitRepository:
		return withoutCredentials(source.Spec.URL)
	case *sourcev1.OCIRepository:
		return withoutCredentials(source.Spec.URL)
	case *sourcev1.Bucket:
		return withoutCredentials(strings.TrimSuffix(source.Spec.Endpoint, "/") + "/" + source.Spec.BucketName)
	case *sourcev1.HelmChart:
		return r.chartRepository(ctx, source)
	}
	return ""
}

func (r *Reconciler) chartRepository(ctx context.Context, chart *sourcev1.HelmChart) string {
	key := types.NamespacedName{Namespace: chart.Namespace, Name: chart.Spec.SourceRef.Name}
	switch chart.Spec.SourceRef.Kind {
	case sourcev1.HelmRepositoryKind:
		repository := &sourcev1.HelmRepository{}
		if err := r.Client.Get(ctx, key, repository); err == nil {
			return withoutCredentials(strings.TrimSuffix(repository.Spec.URL, "/") + "/" + chart.Spec.Chart)
		}
	case sourcev1.GitRepositoryKind:
		repository := &sourcev1.GitRepository{}
		if err := r.Client.Get(ctx, key, repository); err == nil {
			return withoutCredentials(repository.Spec.URL)
		}
	}
	return ""
}

func withoutCredentials(text string) string {
	parsed, err := url.Parse(text)
	if err != nil || parsed.User == nil {
		return text
	}
	parsed.User = nil
	return parsed.String()
}
