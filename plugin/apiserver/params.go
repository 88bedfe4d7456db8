package apiserver

import (
	"errors"
	"fmt"
	"slices"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

/*
Param is an object of the gate's configuration that policies take as
params: of the kind that a policy's spec.paramKind names.

Params come from the configuration alone. What an application renders is never
one, as who is judged would choose the limit.
*/
type Param struct {
	// Object is what expressions read as params.
	Object          *unstructured.Unstructured
	kind            schema.GroupVersionKind
	namespace, name string
	at              plugin.Origin
}

// String names the param for messages: ConfigMap team-a/limits.
func (p *Param) String() string {
	if p.namespace == "" {
		return p.kind.Kind + " " + p.name
	}
	return p.kind.Kind + " " + p.namespace + "/" + p.name
}

// ReadParam decodes a param. Kinds of the API server's own go through its type,
// as in its caches, so that expressions see the same fields.
func ReadParam(document gate.Document) (*Param, error) {
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(document.JSON); err != nil {
		return nil, Refuse(document.At, "reading %s %q: %v", document.Kind, document.Name, err)
	}
	kind := object.GroupVersionKind()
	typed, err := Decode(kind, object.Object)
	if err != nil {
		return nil, Refuse(document.At, "reading %s %q: %v", document.Kind, document.Name, err)
	}
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(typed)
	if err != nil {
		return nil, Refuse(document.At, "reading %s %q: %v", document.Kind, document.Name, err)
	}
	fields["apiVersion"], fields["kind"] = document.APIVersion, document.Kind
	param := &Param{Object: &unstructured.Unstructured{Object: fields}, kind: kind, namespace: object.GetNamespace(), name: object.GetName(), at: document.At}
	switch cluster, known := builtinScope(kind); {
	case known && cluster && param.namespace != "":
		return nil, Refuse(document.At, "%s %q is cluster-scoped; take metadata.namespace out", document.Kind, document.Name)
	case known && !cluster && param.namespace == "":
		return nil, Refuse(document.At, "%s %q is a param and has no namespace; write metadata.namespace", document.Kind, document.Name)
	}
	return param, nil
}

// builtinScope tells whether a kind of the API server's own is cluster-scoped.
func builtinScope(kind schema.GroupVersionKind) (cluster, known bool) {
	return KindTable{cluster: ClusterScopedKinds()}.ClusterScoped(kind.GroupKind()), BuiltinGroup(kind.Group)
}

// Params are the params of one policy: those of its paramKind, sorted by
// namespace and name.
type Params struct {
	kind  *admissionv1.ParamKind
	files []*Param
	// cluster says that the kind has no namespaces.
	cluster bool
}

// NewParams are those of the kind; the zero value is that of a policy without
// one.
func NewParams(kind *admissionv1.ParamKind, all []*Param) (Params, error) {
	params := Params{kind: kind}
	if kind == nil {
		return params, nil
	}
	gvk := schema.FromAPIVersionAndKind(kind.APIVersion, kind.Kind)
	params.cluster, _ = builtinScope(gvk)
	for _, file := range all {
		if file.kind != gvk {
			continue
		}
		params.cluster = file.namespace == ""
		if len(params.files) > 0 && params.files[0].namespace == "" != params.cluster {
			return params, Refuse(file.at, "%s %q and %s %q are of one kind, and one of them has no namespace", kind.Kind, params.files[0].name, kind.Kind, file.name)
		}
		params.files = append(params.files, file)
	}
	return params, nil
}

// errNoParams is the API server's text (policy/generic, CollectParams).
var errNoParams = errors.New("failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction")

// Collected are the params of one binding for one subject.
type Collected struct {
	// Params are evaluated one by one, and all have to pass; one nil is a policy
	// that is asked without any.
	Params []*Param
	// Unknown is why the params cannot be known.
	Unknown []string
}

// Of follows the API server's CollectParams: the namespace of the reference or,
// without one, the object's; by name or by selector.
func (p Params) Of(ref *admissionv1.ParamRef, s Subject) (Collected, error) {
	switch {
	case p.kind == nil || ref == nil:
		return Collected{Params: []*Param{nil}}, nil
	case p.cluster && ref.Namespace != "":
		return Collected{}, errors.New("failed to configure binding: paramRef.namespace must not be provided for a cluster-scoped `paramKind`")
	}
	namespace := ""
	if !p.cluster {
		namespace = s.AdmissionNamespace()
		switch {
		case ref.Namespace != "":
			namespace = ref.Namespace
		case namespace == "" && s.Namespaced:
			return Collected{Unknown: []string{"the params of the destination namespace (it was not given)"}}, nil
		case namespace == "":
			return Collected{}, errors.New("failed to configure binding: cannot use namespaced paramRef in policy binding that matches cluster-scoped resources")
		}
	}
	found, err := p.find(ref, namespace)
	if err != nil {
		return Collected{}, fmt.Errorf("failed to configure binding: %w", err)
	}
	if len(found) == 0 && ref.ParameterNotFoundAction != nil && *ref.ParameterNotFoundAction == admissionv1.DenyAction {
		return Collected{}, errNoParams
	}
	return Collected{Params: found}, nil
}

func (p Params) find(ref *admissionv1.ParamRef, namespace string) ([]*Param, error) {
	selector := labels.Everything()
	if ref.Selector != nil {
		parsed, err := metav1.LabelSelectorAsSelector(ref.Selector)
		if err != nil {
			return nil, err
		}
		selector = parsed
	}
	var found []*Param
	for _, file := range p.files {
		if file.namespace == namespace && (ref.Name == "" || ref.Name == file.name) && selector.Matches(labels.Set(file.Object.GetLabels())) {
			found = append(found, file)
		}
	}
	return found, nil
}

// Check refuses references that the API server refuses, or by which every
// object would be.
func (p Params) Check(binding Binding) error {
	ref, name := binding.ParamRef, binding.Name
	if ref == nil {
		return nil
	}
	var problems []error
	if (ref.Name == "") == (ref.Selector == nil) {
		problems = append(problems, Refuse(binding.At, "binding %q: spec.paramRef needs a name or a selector, and not both", name))
	}
	if ref.Selector != nil {
		if _, err := metav1.LabelSelectorAsSelector(ref.Selector); err != nil {
			problems = append(problems, Refuse(binding.At, "binding %q: reading spec.paramRef.selector: %v", name, err))
		}
	}
	action := ref.ParameterNotFoundAction
	if action == nil || !slices.Contains([]admissionv1.ParameterNotFoundActionType{admissionv1.DenyAction, admissionv1.AllowAction}, *action) {
		problems = append(problems, Refuse(binding.At, "binding %q: spec.paramRef.parameterNotFoundAction is neither Deny nor Allow; write Deny", name))
	}
	if p.kind != nil && p.cluster && ref.Namespace != "" {
		problems = append(problems, Refuse(binding.At, "binding %q: spec.paramRef.namespace is set, and %s has no namespaces, so every object would be refused; take it out", name, p.kind.Kind))
	}
	return errors.Join(problems...)
}

// Warnings say what a binding's reference means other than it seems, and which
// params are not there.
func (p Params) Warnings(binding Binding) []plugin.Finding {
	ref := binding.ParamRef
	warn := func(hint, format string, args ...any) []plugin.Finding {
		return []plugin.Finding{{Rule: RuleParams, Level: plugin.Warn, Origin: binding.At, Hint: hint,
			Message: fmt.Sprintf("binding %q ", binding.Name) + fmt.Sprintf(format, args...)}}
	}
	switch {
	case p.kind == nil && ref == nil:
		return nil
	case p.kind == nil:
		return warn("give the policy a paramKind, or take spec.paramRef out", "names params, which are ignored: its policy has no spec.paramKind")
	case ref == nil:
		return warn("write spec.paramRef", "names no params, so that they are null: its policy takes a %s", p.kind.Kind)
	}
	found := slices.ContainsFunc(p.files, func(file *Param) bool {
		some, _ := p.find(ref, file.namespace) // the selector was checked
		return len(some) > 0 && (ref.Namespace == "" || ref.Namespace == file.namespace)
	})
	if found {
		return nil
	}
	consequence := "every object that it is about is denied"
	if *ref.ParameterNotFoundAction == admissionv1.AllowAction {
		consequence = "the policy is not in force (parameterNotFoundAction: Allow)"
	}
	return warn("put the object's file beside the gate's other files", "names params that the configuration does not hold: %s; %s", describeRef(p.kind.Kind, ref), consequence)
}

func describeRef(kind string, ref *admissionv1.ParamRef) string {
	text := kind
	if ref.Name != "" {
		text += fmt.Sprintf(" %q", ref.Name)
	} else {
		text += fmt.Sprintf(" with the labels %q", metav1.FormatLabelSelector(ref.Selector))
	}
	if ref.Namespace != "" {
		return text + fmt.Sprintf(" in namespace %q", ref.Namespace)
	}
	return text
}
