package policy

import (
	"encoding/json"
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"

	"github.com/assay-gitops/assay/plugin"
)

// reviews are one subject as Gatekeeper's webhook is sent it, made when it is
// asked for and used by all constraints. One goroutine uses it.
type reviews struct {
	subject *subject
	// namespace is the gate's description of the subject's, or nil.
	namespace *corev1.Namespace
	made      map[admission.Operation]ast.Value
}

// of is input.review for an operation. What nobody knows beforehand is empty:
// who will apply the object, and what it was, unless the live one was given.
func (r *reviews) of(operation admission.Operation) (ast.Value, error) {
	if made := r.made[operation]; made != nil {
		return made, nil
	}
	request := r.subject.request(operation).versioned
	fields, err := fieldsOf(request.GetObject())
	if err != nil {
		return nil, err
	}
	var old any
	if live := request.GetOldObject(); live != nil {
		if old, err = fieldsOf(live); err != nil {
			return nil, err
		}
	}
	who := r.subject.asked().UserInfo()
	user := map[string]any{"username": who.GetName(), "groups": who.GetGroups()}
	kind := map[string]any{"group": r.subject.kind.Group, "version": r.subject.kind.Version, "kind": r.subject.kind.Kind}
	resource := map[string]any{"group": r.subject.resource.Group, "version": r.subject.resource.Version, "resource": r.subject.resource.Resource}
	review := map[string]any{
		"uid": "", "kind": kind, "resource": resource, "requestKind": kind, "requestResource": resource,
		"operation": string(operation), "userInfo": user, "object": fields, "oldObject": old,
		"dryRun": false, "options": nil, "namespaceObject": nil,
	}
	if name := r.subject.name; name != "" {
		review["name"] = name
	}
	if namespace := request.GetNamespace(); namespace != "" {
		review["namespace"] = namespace
	}
	if r.namespace != nil {
		if review["namespaceObject"], err = fieldsOf(r.namespace); err != nil {
			return nil, err
		}
	}
	value, err := ast.InterfaceToValue(review)
	if err != nil {
		return nil, fmt.Errorf("reading the object as Rego: %w", err)
	}
	r.made[operation] = value
	return value, nil
}

// fieldsOf is an object in JSON's types, as the API server sends it.
func fieldsOf(object runtime.Object) (map[string]any, error) {
	if custom, ok := object.(*unstructured.Unstructured); ok {
		return custom.Object, nil
	}
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return nil, fmt.Errorf("writing the object as JSON: %w", err)
	}
	return fields, nil
}

// newInventory is data.inventory over the rendered objects, in Gatekeeper's
// shape: cluster.<groupVersion>.<kind>.<name> and
// namespace.<namespace>.<groupVersion>.<kind>.<name>. The data of Secrets is
// masked, as a message may quote what a policy read.
func newInventory(v *view) (storage.Store, error) {
	cluster, namespaced := map[string]any{}, map[string]any{}
	for _, s := range v.subjects {
		if s.made || s.template.partial || s.name == "" {
			continue
		}
		fields, err := fieldsOf(s.object)
		if err != nil {
			return nil, err
		}
		fields = plugin.MaskObject(plugin.Object{Fields: fields}).Fields
		parent := cluster
		if s.namespaced {
			parent = member(namespaced, s.namespace)
		}
		member(member(parent, schema.GroupVersion{Group: s.kind.Group, Version: s.kind.Version}.String()), s.kind.Kind)[s.name] = fields
	}
	data, err := json.Marshal(map[string]any{"inventory": map[string]any{"cluster": cluster, "namespace": namespaced}})
	if err != nil {
		return nil, fmt.Errorf("writing the inventory as JSON: %w", err)
	}
	var plain map[string]any
	if err := json.Unmarshal(data, &plain); err != nil {
		return nil, fmt.Errorf("reading the inventory: %w", err)
	}
	return inmem.NewFromObjectWithOpts(plain, inmem.OptRoundTripOnWrite(false), inmem.OptReturnASTValuesOnRead(true)), nil
}

func member(parent map[string]any, name string) map[string]any {
	child, found := parent[name].(map[string]any)
	if !found {
		child = map[string]any{}
		parent[name] = child
	}
	return child
}
