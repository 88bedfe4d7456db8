package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"

	"github.com/assay-gitops/assay/plugin/apiserver"
)

// kyvernoSubject is one subject as Kyverno's webhook would be handed it: JSON.
// It is made once for all policies that look at the subject.
type kyvernoSubject struct {
	view    *view
	subject *subject
	// object is the subject's JSON; nil until it is asked for.
	object map[string]any
	// asked are the variables of each operation, once they are asked for.
	asked map[admission.Operation]map[string]any
	// converted are the subject in other versions.
	converted map[string]*kyvernoSubject
}

// as is the subject as a policy sees it that asks for another version; an empty
// version is the subject's own.
func (k *kyvernoSubject) as(version string) (*kyvernoSubject, error) {
	if version == "" {
		return k, nil
	}
	if known := k.converted[version]; known != nil {
		return known, nil
	}
	other := k.subject.again()
	other.kind.Version, other.resource.Version = version, version
	var err error
	if other.object, err = apiserver.Converted(k.subject.object, other.kind); err != nil {
		return nil, err
	}
	if k.subject.old != nil {
		if other.old, err = apiserver.Converted(k.subject.old, other.kind); err != nil {
			return nil, err
		}
		if other.updated, err = apiserver.Converted(k.subject.updated, other.kind); err != nil {
			return nil, err
		}
	}
	if k.converted == nil {
		k.converted = map[string]*kyvernoSubject{}
	}
	k.converted[version] = &kyvernoSubject{view: k.view, subject: other}
	return k.converted[version], nil
}

// fields is the object as the API server would send it. What it would add and
// nobody knows yet is unknown: the name of a workload's Pod, and the namespace
// when nobody said where the application goes.
func (k *kyvernoSubject) fields() (map[string]any, error) {
	if k.object != nil {
		return k.object, nil
	}
	var err error
	k.object, err = k.sent(k.subject.object)
	return k.object, err
}

// objects are object and oldObject for an operation. The old one is null for a
// creation, and for an update unknown unless the live object was given: then
// the new one is what applying makes of both.
func (k *kyvernoSubject) objects(operation admission.Operation) (object map[string]any, old any, err error) {
	if operation != admission.Update || k.subject.old == nil {
		if object, err = k.fields(); operation == admission.Update {
			old = unknownOldObject.value()
		}
		return object, old, err
	}
	if object, err = k.sent(k.subject.updated); err != nil {
		return nil, nil, err
	}
	old, err = k.sent(k.subject.old)
	return object, old, err
}

// sent is a state of the subject as JSON.
func (k *kyvernoSubject) sent(object runtime.Object) (map[string]any, error) {
	fields, err := fieldsOf(object)
	if err != nil {
		return nil, fmt.Errorf("writing %s as JSON: %w", k.subject.id, err)
	}
	fields = maps.Clone(fields)
	fields["apiVersion"], fields["kind"] = k.subject.kind.GroupVersion().String(), k.subject.kind.Kind
	metadata := maps.Clone(mapAt(fields, "metadata"))
	if metadata == nil {
		metadata = map[string]any{}
	}
	if k.subject.made {
		metadata["name"] = unknownName.value()
	}
	if k.subject.namespaced && k.subject.namespace == "" {
		metadata["namespace"] = unknownNamespace.value()
	}
	fields["metadata"] = metadata
	return fields, nil
}

// variables are what expressions read, for one operation. They are shared by
// all policies.
func (k *kyvernoSubject) variables(operation admission.Operation) (map[string]any, error) {
	if known := k.asked[operation]; known != nil {
		return known, nil
	}
	made, err := k.newVariables(operation)
	if err != nil {
		return nil, err
	}
	if k.asked == nil {
		k.asked = map[admission.Operation]map[string]any{}
	}
	k.asked[operation] = made
	return made, nil
}

func (k *kyvernoSubject) newVariables(operation admission.Operation) (map[string]any, error) {
	object, oldObject, err := k.objects(operation)
	if err != nil {
		return nil, err
	}
	request, err := k.request(operation)
	if err != nil {
		return nil, err
	}
	request[plugincel.ObjectVarName], request[plugincel.OldObjectVarName] = object, oldObject
	return map[string]any{
		plugincel.ObjectVarName:    object,
		plugincel.OldObjectVarName: oldObject,
		plugincel.RequestVarName:   request,
		plugincel.NamespaceVarName: k.namespaceObject(),
		kyvernoExceptions:          allowed(nil, nil),
		kyvernoNow:                 k.view.sealed.At.UTC(),
		"resource":                 unknownResource.value(),
		"globalContext":            unknownGlobalContext.value(),
		"http":                     unknownHTTP.value(),
		"image":                    unknownImageData.value(),
	}, nil
}

// allowed is the variable "exceptions".
func allowed(images, values []string) map[string]any {
	return map[string]any{"allowedImages": append([]string{}, images...), "allowedValues": append([]string{}, values...)}
}

func (k *kyvernoSubject) request(operation admission.Operation) (map[string]any, error) {
	asked := k.subject.request(operation).request
	request, err := runtime.DefaultUnstructuredConverter.ToUnstructured(asked)
	if err != nil {
		return nil, fmt.Errorf("writing the request for %s as JSON: %w", k.subject.id, err)
	}
	if why := k.subject.asked().UserUnknown(false); why != "" {
		request["userInfo"] = unknownUser.because(why)
	} else if known := mapAt(request, "userInfo"); known != nil {
		for _, detail := range []string{"uid", "extra"} {
			known[detail] = unknownUser.because(k.subject.asked().UserUnknown(true))
		}
	}
	if k.subject.made {
		request["name"] = unknownName.value()
	}
	if k.subject.namespaced && k.subject.namespace == "" {
		request["namespace"] = unknownNamespace.value()
	}
	return request, nil
}

// namespaceObject is null for what lies in no namespace; else the gate's
// description, or unknown.
func (k *kyvernoSubject) namespaceObject() any {
	if !k.subject.namespaced {
		return nil
	}
	described := k.view.namespaces[k.subject.namespace]
	if described == nil {
		return unknownNamespaceObject.because(fmt.Sprintf("namespaceObject (the gate does not describe namespace %q under spec.namespaces)", k.subject.namespace))
	}
	return map[string]any{"metadata": map[string]any{
		"name": described.Name, "labels": anyMap(described.Labels), "annotations": unknownAnnotations.value(),
	}}
}

func anyMap(texts map[string]string) map[string]any {
	out := make(map[string]any, len(texts))
	for key, text := range texts {
		out[key] = text
	}
	return out
}

// named are the variables for a message: a Pod that a workload makes goes by
// the workload's name there.
func (k *kyvernoSubject) named(variables map[string]any) map[string]any {
	if !k.subject.made {
		return variables
	}
	object := maps.Clone(mapAt(variables, plugincel.ObjectVarName))
	metadata := maps.Clone(mapAt(object, "metadata"))
	metadata["name"] = k.subject.id.Name
	object["metadata"] = metadata
	out := maps.Clone(variables)
	out[plugincel.ObjectVarName] = object
	return out
}

// secret reports whether a message about the subject could quote a secret.
func (k *kyvernoSubject) secret() bool {
	_, secret := k.subject.object.(*corev1.Secret)
	return secret
}

// askedAs is the workload at whose own admission Kyverno asks the policy already
// about the Pod that it makes; nil when it asks about the Pod alone.
func (k *kyvernoSubject) askedAs(file kyvernoFile) *kyvernoSubject {
	if !k.subject.made || !file.asksControllers() {
		return nil
	}
	owner := slices.IndexFunc(k.view.subjects, func(s *subject) bool { return s.index == k.subject.index && !s.made })
	if owner < 0 {
		return nil
	}
	workload := k.view.subjects[owner]
	builtIn := workload.resource.Group == "apps" || workload.resource.Group == "batch"
	for _, controller := range file.controllers() {
		full := strings.Join([]string{workload.resource.Resource, workload.resource.Version, workload.resource.Group}, ".")
		if controller == full || builtIn && controller == workload.resource.Resource {
			return &kyvernoSubject{view: k.view, subject: workload.again()} // its own, as others may ask about the workload now
		}
	}
	return nil
}
