package policy

import (
	"fmt"

	"github.com/assay-gitops/assay/plugin"
)

// embeddedDepth bounds the search for objects inside objects. It is more than
// the decoder lets through (plugin.Limits.YAMLDepth); whoever gets that far all
// the same is denied.
const embeddedDepth = 512

// manifest is an object inside another one.
type manifest struct {
	path   string
	object plugin.Object
}

// judgeEmbedded denies what an application may not render inside other objects:
// the manifest that an operator will apply in its own name.
func (s *self) judgeEmbedded(o selfObject) []plugin.Finding {
	held, deepest := manifestsIn(o.object)
	var findings []plugin.Finding
	if deepest != "" {
		findings = append(findings, o.deny(ruleSelfEmbedded, deepest, fmt.Sprintf("the object is nested more than %d levels deep, so nobody can say what it holds", embeddedDepth)))
	}
	objects := make([]plugin.Object, 0, len(held))
	for _, each := range held {
		objects = append(objects, each.object)
	}
	roles := newRoleReach(objects)
	for _, each := range held {
		inner := selfObject{object: each.object, id: each.object.ID(), source: o.source, kinds: o.kinds, roles: roles}
		for _, reason := range s.judgeManifest(inner) {
			findings = append(findings, o.deny(ruleSelfEmbedded, each.path, fmt.Sprintf("the object holds a %s, which an application may not render: %s", inner.id.Kind, reason)))
		}
	}
	plugin.SortFindings(findings)
	return findings
}

// judgeManifest is why an embedded object is denied. Where it goes is its
// operator's, so that only the namespace that it names counts.
func (s *self) judgeManifest(inner selfObject) []string {
	if rule, what := protectedKind(inner.id.Group(), inner.id.Kind); rule != "" {
		return []string{what}
	}
	found := s.judgeWrittenNamespace(inner)
	found = append(found, judgeRBAC(inner)...)
	found = append(found, judgeGateConfig(inner)...)
	found = append(found, s.judgeNamespaceLabels(inner)...)
	var reasons []string
	for _, finding := range found {
		reasons = append(reasons, finding.Message)
	}
	return reasons
}

// manifestsIn are the objects inside an object, and the place below which
// nobody looked; that is empty when everything was seen.
func manifestsIn(object plugin.Object) (held []manifest, deepest string) {
	walk := mapWalk{
		visit: func(trail []trailStep, fields map[string]any) {
			inner := plugin.Object{Fields: fields, Origin: object.Origin}
			if inner.ID().APIVersion != "" && isManifest(fields) {
				held = append(held, manifest{path: trailPath(trail), object: inner})
			}
		},
		tooDeep: func(trail []trailStep) { deepest = trailPath(trail[:1]) },
	}
	var trail []trailStep
	for _, name := range sortedKeys(object.Fields) {
		walk.maps(object.Fields[name], append(trail, trailStep{name: name}))
	}
	return held, deepest
}

// isManifest tells an object from a reference to one: it has metadata, or more
// than a reference needs.
func isManifest(fields map[string]any) bool {
	for _, name := range []string{"metadata", "spec", "data", "rules", "webhooks", "items", "roleRef"} {
		if _, found := fields[name]; found {
			return true
		}
	}
	return false
}

// mapWalk visits every map below a value, in no order. The trail to it is for
// the visit only: most trails are never written out.
type mapWalk struct {
	visit func(trail []trailStep, fields map[string]any)
	// tooDeep is told where the walk stopped.
	tooDeep func(trail []trailStep)
}

// trailStep is the name of a member, or the index of an item.
type trailStep struct {
	name   string
	index  int
	isItem bool
}

func (w mapWalk) maps(value any, trail []trailStep) {
	if len(trail) > embeddedDepth {
		w.tooDeep(trail)
		return
	}
	switch value := value.(type) {
	case map[string]any:
		w.visit(trail, value)
		for name, member := range value {
			w.maps(member, append(trail, trailStep{name: name}))
		}
	case []any:
		for i, item := range value {
			w.maps(item, append(trail, trailStep{index: i, isItem: true}))
		}
	}
}

// trailPath writes a trail as a field path.
func trailPath(trail []trailStep) string {
	path := ""
	for _, step := range trail {
		if step.isItem {
			path = fmt.Sprintf("%s[%d]", path, step.index)
		} else {
			path = plugin.JoinField(path, step.name)
		}
	}
	return path
}
