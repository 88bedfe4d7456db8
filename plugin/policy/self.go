package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
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
	// Admission is what the gates say the API server was told of Pod Security: a
	// label that enforces less than its defaults loosens them.
	Admission []gate.PodSecurityAdmission
}

/*
self denies what would switch the gate off: an application may not render

  - objects of Argo CD, Flux, assay and others that decide what is applied; an
    Application or ApplicationSet, a Kustomization, HelmRelease or GatedSource
    only as the admission policies of the cluster ask for; and Flux's sources
    and GatedSources only where the application's own gate judges,
  - admission policies and webhooks, of the API server or of an engine,
  - RBAC over those kinds, over all namespaces with the gate's own among them,
    or that lends someone else's rights,
  - objects in the namespaces of Argo CD, Flux and assay,
  - a gate's own configuration,
  - Namespace labels that loosen Pod Security,
  - CustomResourceDefinitions of the API server's own groups,

nor carry such objects inside another kind's manifest, however deep. Comparisons
ignore case, as a denial too many is cheap here. Rules: self/<name>; none is
waivable.
*/
type self struct {
	protected  []string
	minimum    *gate.PodSecurity
	namespaces []gate.Namespace
	clusters   []clusterPodSecurity
	tools      []toolPolicies
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
	return &self{
		protected: protected, minimum: config.PodSecurity, namespaces: config.Namespaces,
		clusters: admissionOf(config.Admission), tools: []toolPolicies{argoPolicies(), fluxPolicies()},
	}
}

// platformSelf is self for the platform's own applications.
type platformSelf struct{}

func (platformSelf) Judge(context.Context, plugin.Sealed) []plugin.Finding { return nil }

// Judge implements plugin.Judge.
func (s *self) Judge(ctx context.Context, sealed plugin.Sealed) []plugin.Finding {
	var findings []plugin.Finding
	kinds, roles := apiserver.NewKindTable(sealed.Objects), newRoleReach(sealed.Objects)
	for _, object := range sealed.Objects {
		if err := context.Cause(ctx); err != nil {
			return plugin.FindingsFromError("judge", err)
		}
		findings = append(findings, s.judgeObject(ctx, selfObject{object: object, id: object.ID(), source: sealed.Source, kinds: kinds, roles: roles})...)
	}
	return findings
}

// selfObject is one object and what is needed to place it.
type selfObject struct {
	object plugin.Object
	id     plugin.ObjectID
	source plugin.Source
	kinds  apiserver.KindTable
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

// denyApplication is a finding in the words of an admission policy, which
// begin with the field and end with what to do.
func (o selfObject) denyApplication(reason string) plugin.Finding {
	finding := o.deny(ruleSelfGitOps, "spec", reason)
	finding.Hint = "do as the message says, or keep it in an application that the gate marks as the platform's (spec.platform)"
	return finding
}

func (s *self) judgeObject(ctx context.Context, o selfObject) []plugin.Finding {
	findings := s.judgeKind(ctx, o)
	findings = append(findings, s.judgeNamespace(o)...)
	findings = append(findings, judgeDefinition(o)...)
	findings = append(findings, judgeRBAC(o)...)
	findings = append(findings, judgeGateConfig(o)...)
	findings = append(findings, s.judgeNamespaceLabels(o)...)
	return append(findings, s.judgeEmbedded(o)...)
}

// judgeKind denies protected kinds, the CustomResourceDefinitions that define
// them and the APIServices that serve them. Some kinds of Argo CD, Flux and assay
// may be rendered when the admission policies about them say so.
func (s *self) judgeKind(ctx context.Context, o selfObject) []plugin.Finding {
	findings := judgeFeeding(o)
	for _, tool := range s.tools {
		if tool.judges(o.id) {
			for _, reason := range tool.reasons(ctx, o) {
				findings = append(findings, o.denyApplication(reason))
			}
			return findings
		}
	}
	if isFluxSource(o.id) {
		return findings
	}
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
	if findings := s.judgeWrittenNamespace(o); findings != nil {
		return findings
	}
	destination := o.source.Application.Namespace
	clusterScoped := o.kinds.ClusterScoped(groupKind(o.id))
	if o.id.Namespace == "" && !clusterScoped && s.isProtected(destination) {
		return []plugin.Finding{o.deny(ruleSelfNamespace, "metadata.namespace",
			fmt.Sprintf("the application's destination namespace %q is the gate's own", destination))}
	}
	return nil
}

// judgeWrittenNamespace does so for what the object itself says.
func (s *self) judgeWrittenNamespace(o selfObject) []plugin.Finding {
	if o.id.Group() == "" && strings.EqualFold(o.id.Kind, "Namespace") && s.isProtected(o.id.Name) {
		return []plugin.Finding{o.deny(ruleSelfNamespace, "metadata.name", fmt.Sprintf("namespace %q is the gate's own", o.id.Name))}
	}
	if s.isProtected(o.id.Namespace) {
		return []plugin.Finding{o.deny(ruleSelfNamespace, "metadata.namespace", fmt.Sprintf("namespace %q is the gate's own", o.id.Namespace))}
	}
	return nil
}

func (s *self) isProtected(namespace string) bool {
	return namespace != "" && slices.Contains(s.protected, strings.ToLower(strings.TrimSpace(namespace)))
}
