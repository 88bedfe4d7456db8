package policy

import "github.com/assay-gitops/assay/plugin/apiserver"

// Rules of this package that are not in a pack's file.
const (
	ruleUnknownField         = "schema/unknown-field"
	ruleInvalidObject        = "schema/invalid"
	ruleInvalidPodSecurity   = "pss/invalid-label"
	ruleBindingWithoutPolicy = apiserver.RuleBindingWithoutPolicy
	rulePolicyWithoutBinding = apiserver.RulePolicyWithoutBinding
	ruleResourceName         = apiserver.RuleResourceName
	ruleParams               = apiserver.RuleParams
	ruleOptOut               = apiserver.RuleOptOut
	ruleTypeCheck            = "gate/type-check"
	ruleUpdatesAlone         = apiserver.RuleUpdatesAlone
)

const podSecurityReference = "https://kubernetes.io/docs/concepts/security/pod-security-standards/"

// podSecurityRules has a page for each check and one for each level.
func podSecurityRules() []Rule {
	var rules []Rule
	for _, check := range podChecks() {
		rules = append(rules, Rule{
			ID: pssRule + check.id, Title: check.title + " (Pod Security " + check.level + ")", Severity: severityOfLevel(check.level), Level: "Deny",
			Why: check.why, Fix: check.fix, References: []string{podSecurityReference}, Controls: podSecurityControls(check), Adjustable: true,
		})
	}
	for _, level := range []string{"baseline", "restricted"} {
		rules = append(rules, Rule{
			ID: pssRule + level, Title: "The Pod Security level " + level, Severity: severityOfLevel(level), Level: "Deny",
			Why: "the level is a set of checks; each reports under its own rule, such as pss/runAsNonRoot",
			Fix: "see the rule of the check; a gate sets the level under spec.judge.podSecurity", References: []string{podSecurityReference},
			Controls: []string{"Pod Security Standards: " + level, cisPodSecurity, nsaPodSecurity},
		})
	}
	return append(rules, Rule{
		ID: rulePodSecurityAdmission, Title: "The destination namespace admits the Pods", Severity: "high", Level: "Deny", Adjustable: true,
		Why:        "the API server admits Pods by the labels of their namespace (pod-security.kubernetes.io/enforce, warn, audit), whatever the gate lets pass; of a workload it rejects the Pods alone",
		Fix:        "change the Pod as the message says; the gate describes namespaces under spec.namespaces, and what the API server was told under spec.judge.podSecurityAdmission",
		References: []string{"https://kubernetes.io/docs/concepts/security/pod-security-admission/"},
		Controls:   []string{namespaceLabels, cisPodSecurity, nsaPodSecurity},
	}, Rule{
		ID: ruleInvalidPodSecurity, Title: "Pod Security labels can be read", Severity: "medium", Level: "Deny", Adjustable: true,
		Why: "admission does not create a namespace whose labels it cannot read, and in one that is there it enforces restricted, whatever was meant",
		Fix: "write privileged, baseline or restricted, and a version such as v1.35 or latest", References: []string{podSecurityReference},
		Controls: []string{namespaceLabels, cisPodSecurity},
	})
}

func severityOfLevel(level string) string {
	if level == "baseline" {
		return "high"
	}
	return "medium"
}

// selfRules are those of self@1. None is adjustable or waivable.
func selfRules() []Rule {
	rules := []Rule{
		{
			ID: ruleSelfGitOps, Title: "An application renders nothing that is applied past the gate",
			Why: "such an object makes a controller apply manifests that never passed the gate",
			Fix: "keep it in an application that the gate marks as the platform's (spec.platform); " +
				"an Application or ApplicationSet of Argo CD may name the plugin instead, a Kustomization or HelmRelease of Flux the ExternalArtifact assay-<name> " +
				"of a GatedSource, as the admission policies in manifests/argocd/admission and manifests/flux/admission ask for",
		},
		{
			ID: ruleSelfAdmission, Title: "An application renders no admission policies and webhooks",
			Why: "admission policies close the ways around the gate, and mutating ones change what it passed",
			Fix: "keep it in an application that the gate marks as the platform's (spec.platform)",
		},
		{
			ID: ruleSelfRBAC, Title: "An application grants no rights over the gate",
			Why: "whoever may write those objects, or work in the gate's namespaces, can apply manifests that never passed the gate",
			Fix: "grant rights by a Role and a RoleBinding in the application's namespace, and name resources and verbs, without wildcards, escalate, bind and impersonate; " +
				"an operator that needs more belongs in an application that the gate marks as the platform's (spec.platform)",
			References: []string{"https://kubernetes.io/docs/concepts/security/rbac-good-practices/"},
		},
		{
			ID: ruleSelfNamespace, Title: "An application stays out of the gate's namespaces",
			Why: "configuration and credentials of Argo CD, Flux and assay lie there",
			Fix: "deploy into a namespace of the application's own",
		},
		{
			ID: ruleSelfGate, Title: "An application does not render a gate's configuration",
			Why: "trust, policy and waivers come from the platform team alone, never from what they judge",
			Fix: "ask the platform team to change the gate",
		},
		{
			ID: ruleSelfNamespaceLabels, Title: "Namespace labels only tighten Pod Security",
			Why: "the label decides what the API server admits after the gate, from any source",
			Fix: "remove the label, or enforce at least what the message asks for",
		},
		{
			ID: ruleSelfEmbedded, Title: "No object carries an object that would switch the gate off",
			Why: "an operator applies what it carries in its own name, past the gate",
			Fix: "remove the carried object, or keep it in an application of the platform's",
		},
		{
			ID: ruleSelfDefinition, Title: "A CustomResourceDefinition defines a custom resource",
			Why:        "a definition that renames or re-scopes a built-in kind makes rules look past that kind",
			Fix:        "define kinds in a group of your own, and name the definition <plural>.<group>",
			References: []string{"https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/"},
		},
	}
	for i := range rules {
		rules[i].Severity, rules[i].Level, rules[i].Pack = "critical", "Deny", SelfPack
		rules[i].Controls = selfControls(rules[i].ID)
	}
	return rules
}

// objectRules are the other rules over objects.
func objectRules() []Rule {
	return []Rule{
		{
			ID: ruleUnknownField, Title: "The API knows every field", Severity: "low", Level: "Warn", Adjustable: true,
			Why: "the API server drops fields that it does not know, or refuses the object",
			Fix: "correct the field's name or place",
		},
		{
			ID: ruleInvalidObject, Title: "The API can read the object", Severity: "medium", Level: "Deny",
			Why: "an object that cannot be read cannot be judged, and would fail to apply",
			Fix: "correct the field's type",
		},
		{
			ID: ruleMetadata, Title: "Names, labels and annotations have the API's form", Severity: "medium", Level: "Deny", Adjustable: true,
			Why:        "the API server refuses the object; a control character in a name misleads whoever reads a report",
			Fix:        "write the name or the label in the form that the message asks for",
			References: []string{"https://kubernetes.io/docs/concepts/overview/working-with-objects/names/", "https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/"},
		},
		{
			ID: ruleTooLarge, Title: "The API server reads the whole object", Severity: "medium", Level: "Deny", Adjustable: true,
			Why: "an API server reads no request above 3 MiB, and etcd stores no more than 1.5 MiB of an object unless it was told otherwise",
			Fix: "split the object, or keep the data elsewhere: in an image, a volume or an object store",
		},
		{
			ID: policyRule + "*", Title: "A ValidatingAdmissionPolicy, a Gatekeeper constraint or a rule in Rego of the gate's own", Severity: "high", Level: "Deny",
			Why:        "the platform team wrote it; the finding carries its message and the action of the binding or constraint (policy/Kind/name, policy/package/rule)",
			Fix:        "change the object as the message says",
			References: []string{"https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/", "https://open-policy-agent.github.io/gatekeeper/website/docs/howto"},
		},
	}
}
