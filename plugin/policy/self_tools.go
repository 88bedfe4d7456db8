package policy

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apiserver/pkg/admission"

	"github.com/assay-gitops/assay/manifests"
	"github.com/assay-gitops/assay/plugin"
)

/*
toolPolicies judge the objects of one GitOps tool that an application renders, by
the files that close the ways around the gate in the cluster
(manifests/<tool>/admission): what the API server would refuse to create is
denied, in the same words.

The lists that the platform keeps for those policies lie in the cluster and are
not known here, so they list nothing.
*/
type toolPolicies struct {
	tool string
	// kinds are those that the policies are about, as "Kind.group".
	kinds []string
	// version is the one that the policies know, with its group; empty for a tool
	// whose policies say the same of every version.
	version string
	// written are fields that stand for something that happens in the cluster:
	// rendered, they start a sync or claim that one is under way.
	written []string
	// load compiles them at the first object that they are about.
	load func() ([]boundPolicy, error)
}

func argoPolicies() toolPolicies {
	return toolPolicies{
		tool: "Argo CD", version: "argoproj.io/v1alpha1", kinds: []string{"Application.argoproj.io", "ApplicationSet.argoproj.io"},
		written: []string{"operation", "status"}, // its Application has no status subresource
		load:    sync.OnceValues(func() ([]boundPolicy, error) { return loadPolicies(manifests.ArgoCD, "argocd/admission/*.yaml") }),
	}
}

func fluxPolicies() toolPolicies {
	return toolPolicies{
		tool: "Flux", kinds: []string{
			"Kustomization.kustomize.toolkit.fluxcd.io", "HelmRelease.helm.toolkit.fluxcd.io", "ExternalArtifact.source.toolkit.fluxcd.io",
			"GatedSource.assay.dev",
		},
		load: sync.OnceValues(func() ([]boundPolicy, error) { return loadPolicies(manifests.Flux, "flux/admission/*.yaml") }),
	}
}

func loadPolicies(files fs.FS, pattern string) ([]boundPolicy, error) {
	names, err := fs.Glob(files, pattern)
	if err != nil {
		return nil, fmt.Errorf("listing the policies %s: %w", pattern, err)
	}
	compiler := NewCompiler()
	var bound []boundPolicy
	for _, name := range names {
		policy, err := loadPolicy(compiler, files, name)
		if err != nil {
			return nil, fmt.Errorf("reading manifests/%s: %w", name, err)
		}
		bound = append(bound, policy)
	}
	return bound, nil
}

func loadPolicy(compiler *Compiler, files fs.FS, name string) (boundPolicy, error) {
	read, err := readShipped(files, "manifests", name)
	if err != nil {
		return boundPolicy{}, err
	}
	if kind := read.policy.Spec.ParamKind; kind != nil && (kind.APIVersion != "v1" || kind.Kind != "ConfigMap") {
		return boundPolicy{}, fmt.Errorf("its parameters are a %s, not a ConfigMap", kind.Kind)
	}
	compiled := newAdmissionPolicy(read.policy)
	if err := compiler.compilePolicy(compiled); err != nil {
		return boundPolicy{}, err
	}
	return boundPolicy{admissionPolicy: compiled, bindings: []bindingFile{read.binding}}, nil
}

// judges reports whether the policies are about the object. What the API server
// would convert, or may not accept at all, they are not asked about.
func (p toolPolicies) judges(id plugin.ObjectID) bool {
	return slices.Contains(p.kinds, id.Kind+"."+id.Group()) && (p.version == "" || p.version == id.APIVersion)
}

// reasons are why the object may not be rendered; empty when it may. An object
// that no policy is about, or that a policy cannot be asked about, may not.
func (p toolPolicies) reasons(ctx context.Context, o selfObject) []string {
	policies, err := p.load()
	if err != nil {
		return []string{"the policies about " + p.tool + " cannot be read: " + err.Error()}
	}
	v := newView(plugin.Sealed{Objects: []plugin.Object{o.object}, Source: o.source}, nil)
	if len(v.subjects) == 0 {
		return []string{"the API server cannot read this object"}
	}
	reasons, asked := p.writes(o.object), false
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

// writes is what the object says in the tool's place.
func (p toolPolicies) writes(object plugin.Object) []string {
	var reasons []string
	for _, field := range p.written {
		if _, found := object.Fields[field]; found {
			reasons = append(reasons, field+" is "+p.tool+"'s to write: remove it from the manifest")
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
