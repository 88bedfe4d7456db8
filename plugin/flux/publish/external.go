package publish

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	eventv1 "github.com/fluxcd/pkg/apis/event/v1beta1"
	"github.com/fluxcd/pkg/apis/meta"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/flux/v1alpha1"
)

// FieldManager is the name under which ExternalArtifacts are written.
const FieldManager = "assay-source"

// State is what an ExternalArtifact's status is to say.
type State struct {
	// Artifact is of [Store.Put]: what it names is applied by Flux, whatever the
	// conditions say. nil takes away what was published: consumers wait, and remove
	// nothing.
	Artifact *meta.Artifact
	// Conditions replace those of the same type; others stay.
	Conditions []metav1.Condition
}

// Apply makes the GatedSource's ExternalArtifact say the state, and carries the
// annotations of [EventAnnotations] over. Nothing is written when nothing
// changed, but that taking an artifact away is never left out: a read may come
// from a cache that is behind. An ExternalArtifact that is somebody else's is
// left alone: the error is a *plugin.Refusal that says whose it is, and any
// other a *plugin.StageError.
func Apply(ctx context.Context, c client.Client, owner *v1alpha1.GatedSource, state State) error {
	if owner.GetUID() == "" {
		return badContent("the GatedSource has no uid: it was not read from the cluster")
	}
	if state.Artifact != nil && (path.Dir(state.Artifact.Path) != keyOf(owner).folder() || state.Artifact.Digest == "" || state.Artifact.URL == "") {
		return badContent(fmt.Sprintf("the artifact %.300q is not of this GatedSource", state.Artifact.Path))
	}
	o := &objects{client: c, owner: owner}
	for wait := firstWait; ; wait *= 2 {
		err := o.apply(ctx, state)
		if wait > lastWait || !apierrors.IsConflict(err) && !apierrors.IsAlreadyExists(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}

// What was read may be behind what was written a moment ago: it is read again
// after these waits.
const (
	firstWait = 50 * time.Millisecond
	lastWait  = time.Second
)

// Delete removes the ExternalArtifact if it is the GatedSource's.
func Delete(ctx context.Context, c client.Client, owner *v1alpha1.GatedSource) error {
	o := &objects{client: c, owner: owner}
	found, err := o.live(ctx)
	if err != nil || found == nil || belongs(owner, found) != nil {
		return err
	}
	uid := found.GetUID()
	err = c.Delete(ctx, found, client.Preconditions{UID: &uid})
	if err != nil && !apierrors.IsNotFound(err) {
		return unwritten(owner, "deleting", err)
	}
	return nil
}

// EventAnnotations are the annotations that Flux's events carry to
// notification-controller (event.toolkit.fluxcd.io/change_request and the like).
func EventAnnotations(of client.Object) map[string]string {
	found := map[string]string{}
	for name, value := range of.GetAnnotations() {
		if strings.HasPrefix(name, eventv1.Group+"/") {
			found[name] = value
		}
	}
	return found
}

func keyOf(owner *v1alpha1.GatedSource) Key {
	return Key{Namespace: owner.Namespace, Name: owner.ArtifactName()}
}

// objects writes the ExternalArtifact of one GatedSource.
type objects struct {
	client client.Client
	owner  *v1alpha1.GatedSource
}

func (o *objects) apply(ctx context.Context, state State) error {
	found, err := o.live(ctx)
	switch {
	case err != nil:
		return err
	case found == nil:
		found, err = o.created(ctx)
	default:
		err = belongs(o.owner, found)
	}
	if err != nil {
		return err
	}
	if err := o.describe(ctx, found); err != nil {
		return err
	}
	if state.Artifact == nil {
		if err := o.empty(ctx, found); err != nil {
			return err
		}
	}
	return o.report(ctx, found, state)
}

// live reads the ExternalArtifact; nil when there is none.
func (o *objects) live(ctx context.Context) (*sourcev1.ExternalArtifact, error) {
	found := &sourcev1.ExternalArtifact{}
	err := o.client.Get(ctx, client.ObjectKey{Namespace: o.owner.Namespace, Name: o.owner.ArtifactName()}, found)
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil //nolint:nilnil // that there is none is an answer
	case err != nil:
		return nil, unwritten(o.owner, "reading", err)
	}
	return found, nil
}

// belongs refuses an ExternalArtifact that is somebody else's.
func belongs(owner *v1alpha1.GatedSource, found *sourcev1.ExternalArtifact) error {
	for _, reference := range found.OwnerReferences {
		if reference.UID == owner.UID {
			return nil
		}
	}
	for _, reference := range found.OwnerReferences {
		if reference.Kind == v1alpha1.GatedSourceKind && reference.Name == owner.Name && reference.APIVersion == v1alpha1.GroupVersion().String() {
			return &plugin.StageError{
				Stage: stage, Subject: "writing " + shown(owner),
				Cause: errors.New("it is of an earlier GatedSource of this name, and not gone yet"),
				Hint:  "the cluster's garbage collector removes it; it is tried again",
			}
		}
	}
	return &plugin.Refusal{
		Rule: ruleOwner, Message: fmt.Sprintf("%s is there already and is not of this GatedSource: it is of %s", shown(owner), holder(found)),
		Why:  "what somebody else wrote there was not judged, and what is published must have one writer",
		Hint: "delete that ExternalArtifact or rename the GatedSource; manifests/flux has the admission policy that keeps others from writing one",
	}
}

// holder says whose an ExternalArtifact is.
func holder(found *sourcev1.ExternalArtifact) string {
	var names []string
	for _, reference := range found.OwnerReferences {
		names = append(names, reference.Kind+"/"+reference.Name)
	}
	if len(names) == 0 && found.Spec.SourceRef != nil {
		names = append(names, found.Spec.SourceRef.Kind+"/"+found.Spec.SourceRef.Name)
	}
	for _, entry := range found.ManagedFields {
		if name := fmt.Sprintf("the field manager %q", entry.Manager); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "nobody who says so"
	}
	return strings.Join(names, ", ")
}

// created makes the object; it fails when somebody else was faster.
func (o *objects) created(ctx context.Context) (*sourcev1.ExternalArtifact, error) {
	made := meant(o.owner)
	made.Annotations = nil // they are applied, so that they go when the owner's do
	if err := o.client.Create(ctx, made, client.FieldOwner(FieldManager)); err != nil {
		return nil, unwritten(o.owner, "creating", err)
	}
	return made, nil
}

// meant is the object without its status.
func meant(owner *v1alpha1.GatedSource) *sourcev1.ExternalArtifact {
	made := &sourcev1.ExternalArtifact{}
	made.Namespace, made.Name = owner.Namespace, owner.ArtifactName()
	made.Annotations = EventAnnotations(owner)
	made.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(owner, v1alpha1.GroupVersion().WithKind(v1alpha1.GatedSourceKind))}
	made.Spec.SourceRef = &meta.NamespacedObjectKindReference{
		APIVersion: v1alpha1.GroupVersion().String(), Kind: v1alpha1.GatedSourceKind, Name: owner.Name, Namespace: owner.Namespace,
	}
	return made
}

// describe applies the object without its status, where it differs.
func (o *objects) describe(ctx context.Context, found *sourcev1.ExternalArtifact) error {
	want := meant(o.owner)
	held := slices.ContainsFunc(found.OwnerReferences, func(reference metav1.OwnerReference) bool {
		return reference.UID == o.owner.UID && reference.Controller != nil && *reference.Controller
	})
	if held && found.Spec.SourceRef != nil && *found.Spec.SourceRef == *want.Spec.SourceRef && maps.Equal(EventAnnotations(found), EventAnnotations(o.owner)) {
		return nil
	}
	spec, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&want.Spec)
	if err != nil {
		return unwritten(o.owner, "writing", err)
	}
	applied := identity(found)
	applied.SetOwnerReferences(want.OwnerReferences)
	applied.SetAnnotations(want.Annotations)
	applied.Object["spec"] = spec
	if err := o.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(applied), client.FieldOwner(FieldManager), client.ForceOwnership); err != nil {
		return unwritten(o.owner, "writing", err)
	}
	found.Generation, found.ResourceVersion = applied.GetGeneration(), applied.GetResourceVersion()
	return nil
}

// identity begins an apply of the object as it was read: one that took its place
// since then is a conflict. (The API server does not compare the uid of an
// applied status.)
func identity(found *sourcev1.ExternalArtifact) *unstructured.Unstructured {
	applied := &unstructured.Unstructured{Object: map[string]any{}}
	applied.SetAPIVersion(sourcev1.GroupVersion.String())
	applied.SetKind(sourcev1.ExternalArtifactKind)
	applied.SetNamespace(found.Namespace)
	applied.SetName(found.Name)
	applied.SetResourceVersion(found.ResourceVersion)
	return applied
}

// report applies the status, where it differs.
func (o *objects) report(ctx context.Context, found *sourcev1.ExternalArtifact, state State) error {
	status := sourcev1.ExternalArtifactStatus{Artifact: state.Artifact, Conditions: merged(found, state)}
	if same(found.Status, status) {
		return nil
	}
	written, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&status)
	if err != nil {
		return unwritten(o.owner, "writing the status of", err)
	}
	applied := identity(found)
	applied.Object["status"] = written
	if err := o.client.Status().Apply(ctx, client.ApplyConfigurationFromUnstructured(applied), client.FieldOwner(FieldManager), client.ForceOwnership); err != nil {
		return unwritten(o.owner, "writing the status of", err)
	}
	return nil
}

// empty takes the artifact away, whoever wrote it: an apply leaves the fields that
// somebody else has written as well.
func (o *objects) empty(ctx context.Context, found *sourcev1.ExternalArtifact) error {
	patch := fmt.Sprintf(`{"metadata":{"resourceVersion":%q},"status":{"artifact":null}}`, found.ResourceVersion)
	if err := o.client.Status().Patch(ctx, found, client.RawPatch(types.MergePatchType, []byte(patch)), client.FieldOwner(FieldManager)); err != nil {
		return unwritten(o.owner, "taking the artifact out of", err)
	}
	return nil
}

func unwritten(owner *v1alpha1.GatedSource, doing string, err error) error {
	hint := "see whether the API server answers; it is tried again"
	switch {
	case apimeta.IsNoMatchError(err), runtime.IsNotRegisteredError(err):
		hint = "install Flux 2.8 or later: its source-controller brings the ExternalArtifact kind"
	case apierrors.IsForbidden(err):
		hint = "give the controller's service account the rights of manifests/flux, and see that no admission policy keeps it from writing ExternalArtifacts"
	case apierrors.IsAlreadyExists(err), apierrors.IsConflict(err):
		hint = "somebody else wrote it at the same time; it is looked at again"
	}
	return &plugin.StageError{Stage: stage, Subject: doing + " " + shown(owner), Cause: err, Hint: hint}
}

func shown(owner *v1alpha1.GatedSource) string {
	return "ExternalArtifact " + owner.Namespace + "/" + owner.ArtifactName()
}
