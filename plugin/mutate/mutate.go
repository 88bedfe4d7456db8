package mutate

import (
	"context"
	"fmt"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
)

// rulePrefix begins the rule of each policy: mutate/<metadata.name>.
const rulePrefix = "mutate/"

// Mutator changes objects by the MutatingAdmissionPolicies that are in force. It
// implements plugin.Mutator, holds no state of a run and may be used by many
// goroutines.
type Mutator struct {
	// policies are sorted by name.
	policies   []*boundPolicy
	converters *converters
	// namespaces are those that a gate describes.
	namespaces map[string]*corev1.Namespace
	// given are the gate's own definitions.
	given definitions
}

// Mutate implements plugin.Mutator. An object that a policy refuses stays as it
// is, with a finding that denies.
func (m *Mutator) Mutate(ctx context.Context, rendering plugin.Unmutated) ([]plugin.Object, []plugin.Finding) {
	r := &run{
		Mutator: m, source: rendering.Source, defaults: apiserver.NewDefaulting(), kinds: apiserver.NewKindTable(rendering.Objects),
		rendered: sync.OnceValue(func() definitions { return renderedDefinitions(rendering.Objects) }),
	}
	objects := slices.Clone(rendering.Objects)
	var findings []plugin.Finding
	for i := range objects {
		if ctx.Err() != nil {
			break
		}
		mutated, said := r.object(ctx, objects[i])
		objects[i], findings = mutated, append(findings, said...)
	}
	if err := context.Cause(ctx); err != nil {
		return rendering.Objects, plugin.FindingsFromError("mutate", fmt.Errorf("applying the platform's mutations: %w", err))
	}
	return objects, append(findings, r.podsAlone(rendering.Objects)...)
}

// run is one rendering's.
type run struct {
	*Mutator
	source   plugin.Source
	defaults apiserver.Defaulting
	kinds    apiserver.KindTable
	// rendered are the rendering's own definitions, read when they are needed.
	rendered func() definitions
}

// object applies all policies to one object.
func (r *run) object(ctx context.Context, object plugin.Object) (plugin.Object, []plugin.Finding) {
	kind := schema.FromAPIVersionAndKind(object.ID().APIVersion, object.ID().Kind)
	for _, place := range r.places(kind) {
		policies := r.about(place)
		if len(policies) == 0 {
			continue
		}
		e := r.examine(object, kind, place)
		if !e.admit(ctx, policies) {
			continue
		}
		return e.result(ctx, policies)
	}
	return object, nil
}

// places are where the API server may file objects of the kind: where the gate's
// definition of it says, else where anybody may have it.
func (r *run) places(kind schema.GroupVersionKind) []apiserver.Place {
	if given, found := r.given[kind]; found {
		return []apiserver.Place{given.place}
	}
	return r.kinds.Places(kind)
}

// about are the policies whose rules name the resource.
func (r *run) about(place apiserver.Place) []*boundPolicy {
	var named []*boundPolicy
	for _, policy := range r.policies {
		if apiserver.Names(policy.file.Spec.MatchConstraints, place.Resource.Resource) && !apiserver.Exempt(place.Resource.GroupResource(), policy.file.Name) {
			named = append(named, policy)
		}
	}
	return named
}

// definition is that of a custom resource; nil when nobody has one, and for the
// API server's own kinds.
func (r *run) definition(kind schema.GroupVersionKind) *customKind {
	if apiserver.BuiltinGroup(kind.Group) {
		return nil
	}
	for _, from := range []func() definitions{func() definitions { return r.given }, r.rendered} {
		if known, found := from()[kind]; found {
			return &known
		}
	}
	return nil
}

func (r *run) examine(object plugin.Object, kind schema.GroupVersionKind, place apiserver.Place) *examination {
	return &examination{
		run: r, object: object, written: object.Fields,
		reading: reading{kind: kind, place: place, custom: r.definition(kind), defaults: r.defaults, source: r.source},
	}
}

// podsAlone says of policies that are about Pods and no workload that the
// cluster will change the Pods which the rendering's workloads make: Git and
// this report do not show it.
func (r *run) podsAlone(objects []plugin.Object) []plugin.Finding {
	workloads := 0
	for _, object := range objects {
		if apiserver.MakesPods(schema.FromAPIVersionAndKind(object.ID().APIVersion, object.ID().Kind).GroupKind()) {
			workloads++
		}
	}
	if workloads == 0 {
		return nil
	}
	var findings []plugin.Finding
	for _, policy := range r.policies {
		if !policy.aboutPodsAlone() {
			continue
		}
		findings = append(findings, plugin.Finding{
			Rule: rulePrefix + policy.file.Name, Level: plugin.Info, Origin: policy.file.at,
			Message: fmt.Sprintf("policy %q is about Pods and not about what makes them: in the cluster it changes the Pods of %d workloads of this rendering", policy.file.Name, workloads),
			Why:     "what it changes there was neither verified nor judged, and is not in Git",
			Hint:    "match the workloads as well, and change their templates",
		})
	}
	return findings
}

// aboutPodsAlone reports whether the policy's rules name Pods and nothing that
// makes them.
func (b *boundPolicy) aboutPodsAlone() bool {
	match := b.file.Spec.MatchConstraints
	if !apiserver.Names(match, "pods") {
		return false
	}
	return !slices.ContainsFunc(apiserver.PodMakers(), func(kind schema.GroupVersionKind) bool { return apiserver.Names(match, apiserver.PluralOf(kind)) })
}
