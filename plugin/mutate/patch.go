package mutate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	admissionapi "k8s.io/api/admission/v1"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	runtimejson "k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apiserver/pkg/admission"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/policy/mutating/patch"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/assay-gitops/assay/plugin"
)

func (e *examination) request(versioned *admission.VersionedAttributes) *admissionapi.AdmissionRequest {
	return plugincel.CreateAdmissionRequest(versioned.Attributes, metav1.GroupVersionResource(e.place.Resource), metav1.GroupVersionKind(e.kind))
}

// mutations applies a policy's mutations in order. An error of one does not keep
// the next from being tried, as in the API server.
func (e *examination) mutations(ctx context.Context, each invocation, versioned *admission.VersionedAttributes) {
	for i := range each.patchers {
		patched, err := e.patch(ctx, each, i, versioned)
		switch {
		case errors.Is(err, errNoDefinition):
			e.undecided(each, []string{fmt.Sprintf("the CustomResourceDefinition of %s, which neither the gate nor the rendering holds", e.kind.GroupKind())})
		case err != nil && ctx.Err() == nil:
			e.failed(each, err)
		case err == nil && len(each.unknown) > 0 && !equal(patched.object, versioned.VersionedObject.Object()):
			e.undecided(each, each.unknown)
		case err == nil && len(each.unknown) == 0:
			e.take(each, patched, versioned)
		}
		if e.refused {
			return
		}
	}
}

// patched is what a mutation made: the object, and its fields before defaults
// were filled in again.
type patched struct {
	object runtime.Object
	fields map[string]any
}

// take makes the patched object the current one, and carries the change over to
// what is handed on.
func (e *examination) take(each invocation, made patched, versioned *admission.VersionedAttributes) {
	current := versioned.VersionedObject.Object()
	if problem := identityChanged(current, made.object); problem != "" {
		finding := e.finding(each)
		finding.Message, finding.Hint = "the policy makes another object of it: "+problem, "let the policy leave apiVersion, kind, metadata.name and metadata.namespace alone"
		e.refuse(finding)
		return
	}
	before, err := fieldsOf(current)
	if err != nil {
		e.failed(each, err)
		return
	}
	versioned.UpdateObject(made.object)
	if same(before, made.fields) {
		return
	}
	old := e.written
	e.current = made.object
	e.write(carrier{}, before, made.fields)
	for _, change := range changesOf(old, e.written) {
		e.changes = append(e.changes, e.changeFinding(each, change))
	}
	e.changedBy = append(e.changedBy, each.file.Name)
}

func (e *examination) changeFinding(each invocation, change change) plugin.Finding {
	finding := e.finding(each)
	finding.Level, finding.Object, finding.Origin = plugin.Info, e.object.ID(), e.object.Origin
	finding.Field, finding.Was, finding.Now = change.field, plugin.Compact(change.was), plugin.Compact(change.now)
	finding.Message = fmt.Sprintf("changed by the platform's policy %q", each.file.Name)
	if finding.Why = each.file.Annotations["description"]; finding.Why == "" {
		finding.Why = fmt.Sprintf("the platform's policy %q (%s) changes it", each.file.Name, each.file.at)
	}
	finding.Hint = "write the value into the source to have it in Git"
	return finding
}

// identityChanged says what makes two objects different ones; empty when they
// are the same one.
func identityChanged(was, now runtime.Object) string {
	before, err := meta.Accessor(was)
	if err != nil {
		return err.Error()
	}
	after, err := meta.Accessor(now)
	if err != nil {
		return err.Error()
	}
	for _, each := range []struct{ field, was, now string }{
		{"kind", was.GetObjectKind().GroupVersionKind().String(), now.GetObjectKind().GroupVersionKind().String()},
		{"metadata.name", before.GetName(), after.GetName()},
		{"metadata.generateName", before.GetGenerateName(), after.GetGenerateName()},
		{"metadata.namespace", before.GetNamespace(), after.GetNamespace()},
	} {
		if each.was != each.now {
			return fmt.Sprintf("%s was %q and becomes %q", each.field, each.was, each.now)
		}
	}
	return ""
}

// errNoDefinition is why an apply configuration of a custom resource cannot be
// merged.
var errNoDefinition = errors.New("there is no definition")

// patch evaluates one mutation and applies it to a copy
// (policy/mutating, dispatchOne).
func (e *examination) patch(ctx context.Context, each invocation, i int, versioned *admission.VersionedAttributes) (patched, error) {
	applies := each.file.Spec.Mutations[i].PatchType == admissionv1.PatchTypeApplyConfiguration
	request := patch.Request{
		MatchedResource: e.place.Resource, VersionedAttributes: versioned, ObjectInterfaces: untyped{}, OptionalVariables: each.bindings(),
		Namespace: e.namespaces[e.subject(each.boundPolicy).Namespace],
	}
	if applies {
		converter, err := e.converter()
		if err != nil {
			return patched{}, err
		}
		request.TypeConverter = converter
	}
	made, err := each.patchers[i].Patch(ctx, request, celconfig.RuntimeCELCostBudget)
	if err != nil {
		return patched{}, err
	}
	raw, ok := made.(*unstructured.Unstructured)
	if !ok { // a test of the patch failed, so there is none
		fields, err := fieldsOf(made)
		return patched{object: made, fields: fields}, err
	}
	fields, err := plainJSON(raw.Object)
	if err != nil {
		return patched{}, err
	}
	object, err := e.decodePatched(fields, !applies)
	if err != nil {
		return patched{}, err
	}
	e.fillIn(object)
	return patched{object: object, fields: fields}, nil
}

func (e *examination) converter() (managedfields.TypeConverter, error) {
	if e.custom == nil && !scheme.Scheme.Recognizes(e.kind) {
		return nil, errNoDefinition
	}
	return e.converters.of(e.kind, e.custom)
}

// decodePatched reads what a mutation made into its type. What a JSON patch made
// is read strictly, and the API server answers an error of its own then.
func (e *examination) decodePatched(fields map[string]any, strictly bool) (runtime.Object, error) {
	raw := &unstructured.Unstructured{Object: fields}
	if !scheme.Scheme.Recognizes(e.kind) {
		return raw.DeepCopy(), nil
	}
	if !strictly {
		return scheme.Scheme.ConvertToVersion(raw, e.kind.GroupVersion())
	}
	encoded, err := json.Marshal(fields)
	if err != nil {
		return nil, apierrors.NewInternalError(err)
	}
	typed, err := scheme.Scheme.New(e.kind)
	if err != nil {
		return nil, apierrors.NewInternalError(err)
	}
	serializer := runtimejson.NewSerializerWithOptions(runtimejson.DefaultMetaFactory, scheme.Scheme, scheme.Scheme, runtimejson.SerializerOptions{Strict: true})
	if typed, _, err = serializer.Decode(encoded, nil, typed); err != nil {
		return nil, apierrors.NewInternalError(err)
	}
	return typed, nil
}

// untyped lets the API server's patcher read what it patched into plain fields:
// so what the policy wrote is told from what a type adds.
type untyped struct{ admission.ObjectInterfaces }

// GetObjectCreater implements admission.ObjectInterfaces.
func (untyped) GetObjectCreater() runtime.ObjectCreater { return untyped{} }

// GetObjectTyper implements admission.ObjectInterfaces.
func (untyped) GetObjectTyper() runtime.ObjectTyper { return scheme.Scheme }

// New implements runtime.ObjectCreater.
func (untyped) New(schema.GroupVersionKind) (runtime.Object, error) {
	return &unstructured.Unstructured{}, nil
}
