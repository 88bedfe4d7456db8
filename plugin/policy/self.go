package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// SelfPack is the pack that is always on.
const SelfPack = "self@1"

// SelfConfig is what the effective gates say about self.
type SelfConfig struct {
	// Platform is set when the effective gate marks the application as the
	// platform's own; nothing else switches self off.
	Platform bool
	// ProtectedNamespaces are added to argocd, flux-system and assay-system.
	ProtectedNamespaces []string
	// PodSecurity is the strictest minimum of the gates; rendered Namespaces
	// may not enforce less.
	PodSecurity *gate.PodSecurity
	// Namespaces are the gates' descriptions of namespaces.
	Namespaces []gate.Namespace
}

/*
self denies what would switch the gate off: an application may not render

  - objects of Argo CD, Flux, assay and others that decide what is applied,
  - admission policies and webhooks, of the API server or of an engine,
  - RBAC over those kinds, over all namespaces with the gate's own among them,
    or that lends someone else's rights,
  - objects in the namespaces of Argo CD, Flux and assay,
  - a gate's own configuration,
  - Namespace labels that loosen Pod Security,
  - CustomResourceDefinitions of the API server's own groups,

nor carry such objects inside a list or another kind's manifest. Comparisons
ignore case, as a denial too many is cheap here. Rules: self/<name>; none is
waivable.
*/
type self struct {
	protected  []string
	minimum    *gate.PodSecurity
	namespaces []gate.Namespace
}

// NewSelf returns the judge that no gate and no waiver switches off. For an
// application of the platform it answers nothing.
func NewSelf(config SelfConfig) plugin.Judge {
	if config.Platform {
		return platformSelf{}
	}
	protected := []string{"argocd", "flux-system", "assay-system"}
	for _, namespace := range config.ProtectedNamespaces {
		protected = append(protected, strings.ToLower(namespace))
	}
	return &self{protected: protected, minimum: config.PodSecurity, namespaces: config.Namespaces}
}

// platformSelf is self for the platform's own applications.
type platformSelf struct{}

func (platformSelf) Judge(context.Context, plugin.Sealed) []plugin.Finding { return nil }

// Judge implements plugin.Judge.
func (s *self) Judge(ctx context.Context, sealed plugin.Sealed) []plugin.Finding {
	var findings []plugin.Finding
	kinds, roles := newKindTable(sealed.Objects), newRoleReach(sealed.Objects)
	for _, object := range sealed.Objects {
		if err := context.Cause(ctx); err != nil {
			return plugin.FindingsFromError("judge", err)
		}
		findings = append(findings, s.judgeObject(selfObject{object: object, id: object.ID(), source: sealed.Source, kinds: kinds, roles: roles})...)
	}
	return findings
}

// selfObject is one object and what is needed to place it.
type selfObject struct {
	object plugin.Object
	id     plugin.ObjectID
	source plugin.Source
	kinds  kindTable
	roles  roleReach
}

// deny is a finding about the object. Self's findings are unwaivable.
func (o selfObject) deny(rule, field, message string) plugin.Finding {
	page, _ := findRule(selfRules(), rule)
	return plugin.Finding{
		Rule: rule, Object: o.id, Origin: o.object.Origin, Field: field, Message: message,
		Why: page.Why, Hint: page.Fix, Unwaivable: true,
	}
}

func (s *self) judgeObject(o selfObject) []plugin.Finding {
	findings := s.judgeKind(o)
	findings = append(findings, s.judgeNamespace(o)...)
	findings = append(findings, judgeDefinition(o)...)
	findings = append(findings, judgeRBAC(o)...)
	findings = append(findings, judgeGateConfig(o)...)
	findings = append(findings, s.judgeNamespaceLabels(o)...)
	return append(findings, judgeEmbedded(o)...)
}

// judgeKind denies protected kinds, the CustomResourceDefinitions that define
// them and the APIServices that serve them.
func (s *self) judgeKind(o selfObject) []plugin.Finding {
	if rule, what := protectedKind(o.id.Group(), o.id.Kind); rule != "" {
		return []plugin.Finding{o.deny(rule, "kind", fmt.Sprintf("an application may not render %s (%s)", o.id.Kind, what))}
	}
	spec := mapAt(o.object.Fields, "spec")
	group := stringAt(spec, "group")
	if !servesAPI(o.id) || !protectedGroup(group) {
		return nil
	}
	rule := ruleSelfGitOps
	if admissionGroup(strings.ToLower(group)) {
		rule = ruleSelfAdmission
	}
	return []plugin.Finding{o.deny(rule, "spec.group", fmt.Sprintf("an application may not define or serve the API group %q", group))}
}

func servesAPI(id plugin.ObjectID) bool {
	return strings.EqualFold(id.Kind, "CustomResourceDefinition") || strings.EqualFold(id.Kind, "APIService")
}

// judgeNamespace denies objects in protected namespaces, and those namespaces
// themselves. An object without a namespace goes to the application's.
func (s *self) judgeNamespace(o selfObject) []plugin.Finding {
	if o.id.Group() == "" && strings.EqualFold(o.id.Kind, "Namespace") && s.isProtected(o.id.Name) {
		return []plugin.Finding{o.deny(ruleSelfNamespace, "metadata.name", fmt.Sprintf("namespace %q is the gate's own", o.id.Name))}
	}
	if s.isProtected(o.id.Namespace) {
		return []plugin.Finding{o.deny(ruleSelfNamespace, "metadata.namespace", fmt.Sprintf("namespace %q is the gate's own", o.id.Namespace))}
	}
	destination := o.source.Application.Namespace
	clusterScoped := o.kinds.clusterScoped(groupKind(o.id))
	if o.id.Namespace == "" && !clusterScoped && s.isProtected(destination) {
		return []plugin.Finding{o.deny(ruleSelfNamespace, "metadata.namespace",
			fmt.Sprintf("the application's destination namespace %q is the gate's own", destination))}
	}
	return nil
}

func (s *self) isProtected(namespace string) bool {
	return namespace != "" && slices.Contains(s.protected, strings.ToLower(strings.TrimSpace(namespace)))
}

// embeddedDepth bounds the search for objects inside objects.
const embeddedDepth = 40

// judgeEmbedded denies protected kinds inside other objects: items of a list,
// or the manifest that an operator will apply in its own name.
func judgeEmbedded(o selfObject) []plugin.Finding {
	var findings []plugin.Finding
	walk := mapWalk{visit: func(trail []trailStep, fields map[string]any) {
		inner := plugin.Object{Fields: fields}.ID()
		if inner.APIVersion == "" {
			return
		}
		if rule, what := protectedKind(inner.Group(), inner.Kind); rule != "" && isManifest(fields) {
			findings = append(findings, o.deny(ruleSelfEmbedded, trailPath(trail),
				fmt.Sprintf("the object holds a %s (%s), which an application may not render", inner.Kind, what)))
		}
	}}
	trail := make([]trailStep, 0, embeddedDepth+1)
	for name, member := range o.object.Fields {
		walk.maps(member, append(trail, trailStep{name: name}))
	}
	plugin.SortFindings(findings)
	return findings
}

// isManifest tells an object from a reference to one: it has metadata, or more
// than a reference needs.
func isManifest(fields map[string]any) bool {
	for _, name := range []string{"metadata", "spec", "data", "rules", "webhooks", "items"} {
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
}

// trailStep is the name of a member, or the index of an item.
type trailStep struct {
	name   string
	index  int
	isItem bool
}

func (w mapWalk) maps(value any, trail []trailStep) {
	if len(trail) > embeddedDepth {
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
			path = joinPath(path, step.name)
		}
	}
	return path
}
