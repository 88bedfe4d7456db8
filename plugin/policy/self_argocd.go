package policy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apiserver/pkg/admission"

	"github.com/assay-gitops/assay/manifests"
	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

/*
argoPolicies judge the Applications and ApplicationSets that an application
renders, by the files that close the ways around the gate in the cluster
(manifests/argocd/admission): what the API server would refuse to create is
denied, in the same words.

The platform's list of AppProjects that may use the Source Hydrator lies in the
cluster and is not known here, so it lists none.
*/
type argoPolicies struct {
	// load compiles them at the first object that they are about.
	load func() ([]boundPolicy, error)
}

func newArgoPolicies() argoPolicies {
	return argoPolicies{load: sync.OnceValues(loadArgoPolicies)}
}

func loadArgoPolicies() ([]boundPolicy, error) {
	names, err := fs.Glob(manifests.ArgoCD, "argocd/admission/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("listing the policies about Argo CD: %w", err)
	}
	compiler := NewCompiler()
	var bound []boundPolicy
	for _, name := range names {
		policy, err := loadArgoPolicy(compiler, name)
		if err != nil {
			return nil, fmt.Errorf("reading manifests/%s: %w", name, err)
		}
		bound = append(bound, policy)
	}
	return bound, nil
}

func loadArgoPolicy(compiler *Compiler, name string) (boundPolicy, error) {
	data, err := fs.ReadFile(manifests.ArgoCD, name)
	if err != nil {
		return boundPolicy{}, err
	}
	var documents []gate.Document
	for text := range strings.SplitSeq(string(data), "\n---\n") {
		document, err := packDocument(name, text)
		if err != nil {
			return boundPolicy{}, err
		}
		document.At = plugin.Origin{File: path.Join("manifests", name)}
		documents = append(documents, document)
	}
	files, err := readAdmission(documents)
	if err != nil {
		return boundPolicy{}, err
	}
	if len(files.policies) != 1 || len(files.bindings) != 1 || files.bindings[0].Spec.PolicyName != files.policies[0].Name {
		return boundPolicy{}, errors.New("it is not one policy and its binding")
	}
	file := files.policies[0]
	if kind := file.Spec.ParamKind; kind != nil && (kind.APIVersion != "v1" || kind.Kind != "ConfigMap") {
		return boundPolicy{}, fmt.Errorf("its parameters are a %s, not a ConfigMap", kind.Kind)
	}
	compiled := newAdmissionPolicy(file)
	if err := compiler.compilePolicy(compiled); err != nil {
		return boundPolicy{}, err
	}
	return boundPolicy{admissionPolicy: compiled, bindings: files.bindings}, nil
}

// judges reports whether the policies are about the object. They know one
// version of each kind; what the API server would convert, or may not accept at
// all, they are not asked about.
func (argoPolicies) judges(id plugin.ObjectID) bool {
	return id.APIVersion == "argoproj.io/v1alpha1" && (id.Kind == "Application" || id.Kind == "ApplicationSet")
}

// reasons are why the object may not be rendered; empty when it may. An object
// that no policy is about, or that a policy cannot be asked about, may not.
func (p argoPolicies) reasons(ctx context.Context, o selfObject) []string {
	policies, err := p.load()
	if err != nil {
		return []string{"the policies about Argo CD cannot be read: " + err.Error()}
	}
	v := newView(plugin.Sealed{Objects: []plugin.Object{o.object}, Source: o.source}, nil)
	if len(v.subjects) == 0 {
		return []string{"the API server cannot read this object"}
	}
	reasons, asked := written(o.object), false
	for i := range policies {
		applies, said := askCreation(ctx, v, &policies[i])
		asked = asked || applies
		reasons = append(reasons, said...)
	}
	if !asked {
		reasons = append(reasons, "no policy says that "+o.id.Kind+" may be rendered")
	}
	return reasons
}

// written are fields that stand for something that happens in the cluster:
// rendered, they start a sync or claim that one is under way.
func written(object plugin.Object) []string {
	var reasons []string
	for _, field := range []string{"operation", "status"} {
		if _, found := object.Fields[field]; found {
			reasons = append(reasons, field+" is Argo CD's to write: remove it from the manifest")
		}
	}
	return reasons
}

// askCreation asks one policy whether the object may be created; what it says
// against an update it says against a creation too.
func askCreation(ctx context.Context, v *view, policy *boundPolicy) (applies bool, reasons []string) {
	subject := v.subjects[0]
	request := subject.request(admission.Create)
	m := v.matcher(subject, false).of(admission.Create)
	if !m.Matches(policy.match).Applies {
		return false, nil
	}
	run := evaluation{policy: policy.admissionPolicy, subject: subject, request: request}
	if policy.file.Spec.ParamKind != nil {
		run.params = &corev1.ConfigMap{}
	}
	for _, failed := range run.run(ctx) {
		message := failed.message
		if failed.erred {
			message = "the policy " + policy.file.Name + " could not be evaluated: " + message
		}
		reasons = append(reasons, message)
	}
	return true, reasons
}
