package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
	"github.com/assay-gitops/assay/plugin/gate"
)

// Listed is one rule that a gate runs.
type Listed struct {
	// Rule is its page.
	Rule Rule
	// Engine is what evaluates it: "pod security", "ValidatingAdmissionPolicy",
	// "go", "schema", or an engine's own name.
	Engine string
	// From is file:line for what the platform team wrote, a pack and its version,
	// or what of the gate asks for it.
	From string
	// Level is what the gate makes of Rule.Level: "Deny", "Warn", "Info" or
	// "Off".
	Level string
	// Own is set for what the platform team wrote.
	Own bool
}

// lister is an engine that says which rules it runs. The level is the one that
// they were shipped with, or that their own files say.
type lister interface{ list() []Listed }

// List is what one compiled gate runs, sorted by rule: its own policies, those
// of its packs, and what is always on.
func (c Compiled) List() []Listed {
	var list []Listed
	for _, each := range c.Judges {
		if judge, is := each.(*gateJudge); is {
			list = append(list, judge.list()...)
		}
	}
	slices.SortStableFunc(list, func(a, b Listed) int {
		return cmp.Or(cmp.Compare(a.Rule.ID, b.Rule.ID), cmp.Compare(a.From, b.From))
	})
	return list
}

// listSelf are the rules that are always on, but for the platform's own
// applications.
func listSelf() []Listed {
	var list []Listed
	for _, rule := range selfRules() {
		list = append(list, Listed{Rule: rule, Engine: "go", From: SelfPack})
	}
	return list
}

func (j *gateJudge) list() []Listed {
	var list []Listed
	if !j.platform {
		list = listSelf()
	}
	for _, id := range sortedKeys(j.packs) {
		engine := kindPolicy
		if _, code := findCodeRule(id); code {
			engine = "go"
		}
		page := j.packs[id]
		list = append(list, Listed{Rule: page, Engine: engine, From: cmp.Or(j.packsOf(id), "built in")})
	}
	for _, each := range j.engines {
		if engine, is := each.(lister); is {
			list = append(list, engine.list()...)
		}
	}
	list = slices.DeleteFunc(list, func(each Listed) bool { return each.Rule.ID == "" })
	for i := range list {
		list[i].Level = j.levelOf(list[i].Rule)
	}
	return list
}

// packsOf are the packs of this gate that bring the rule.
func (j *gateJudge) packsOf(id string) string {
	var names []string
	for name := range strings.SplitSeq(packsOf(id), ", ") {
		if slices.Contains(j.named, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// levelOf is what the gate makes of a rule's level.
func (j *gateJudge) levelOf(rule Rule) string {
	switch j.levels[rule.ID] {
	case levelDeny:
		return "Deny"
	case levelWarn:
		return "Warn"
	case levelOff:
		return "Off"
	case levelShipped:
	}
	if rule.EffectiveOn != "" {
		return fmt.Sprintf("%s from %s", rule.Level, rule.EffectiveOn)
	}
	return rule.Level
}

func (p *podSecurity) list() []Listed {
	strictness := map[string]int{"privileged": 0, "baseline": 1, "restricted": 2}
	var list []Listed
	for _, check := range podChecks() {
		if strictness[check.level] > strictness[string(p.minimum.Level)] {
			continue // a namespace's labels may still ask for it
		}
		rule, _ := findRule(podSecurityRules(), pssRule+check.id)
		list = append(list, Listed{Rule: rule, Engine: "pod security", From: "pss/" + p.minimum.String()})
	}
	return append(list, p.cluster.list()...)
}

// list are admission's own verdict and what it says of labels, which are asked
// whatever the gate's minimum is.
func (c clusterPodSecurity) list() []Listed {
	from := "namespace labels"
	if c.known {
		from = "namespace labels, spec.judge.podSecurityAdmission"
	}
	var list []Listed
	for _, id := range []string{rulePodSecurityAdmission, ruleInvalidPodSecurity} {
		rule, _ := findRule(podSecurityRules(), id)
		list = append(list, Listed{Rule: rule, Engine: "pod security", From: from})
	}
	return list
}

func (s *schemas) list() []Listed {
	var list []Listed
	for _, rule := range slices.Concat(schemaRules(), objectRules()) {
		if strings.HasPrefix(rule.ID, "schema/") {
			list = append(list, Listed{Rule: rule, Engine: "schema", From: "Kubernetes " + apiserver.KubernetesVersion()})
		}
	}
	return list
}

func (l lockAge) list() []Listed {
	rule, _ := findRule(trustRules(), ruleBuildAge)
	return []Listed{{Rule: rule, Engine: "go", From: "spec.lock.maxBuildAge"}}
}

// list are the gate's own policies; those of packs stand under their packs.
func (a *admissionPolicies) list() []Listed {
	var list []Listed
	for _, policy := range a.policies {
		if !strings.HasPrefix(policy.rule.ID, policyRule) {
			continue
		}
		rule := policy.rule
		var actions []string
		for _, binding := range policy.bindings {
			for _, action := range binding.Spec.ValidationActions {
				if !slices.Contains(actions, string(action)) {
					actions = append(actions, string(action))
				}
			}
		}
		rule.Level = strings.Join(actions, ", ")
		list = append(list, Listed{Rule: rule, Engine: kindPolicy, From: policy.file.at.String(), Own: true})
	}
	return list
}

// list are the gate's own policies in Kyverno's language.
func (k *kyvernoPolicies) list() []Listed {
	var list []Listed
	for _, policy := range k.policies {
		rule := policy.rule
		rule.Level = levelWord(kyvernoLevel(policy.file))
		list = append(list, Listed{Rule: rule, Engine: "Kyverno " + policy.file.Kind, From: policy.file.at.String(), Own: true})
	}
	return list
}

// list are the gate's own constraints.
func (c *constraints) list() []Listed {
	var list []Listed
	for _, bound := range c.bound {
		rule := bound.rule
		rule.Level = levelWord(bound.level)
		list = append(list, Listed{Rule: rule, Engine: "Gatekeeper constraint", From: bound.file.at.String(), Own: true})
	}
	return list
}

// list are the gate's own rules in plain Rego.
func (p *plainRego) list() []Listed {
	var list []Listed
	for _, each := range p.rules {
		rule := each.page
		rule.Level = levelWord(each.level)
		list = append(list, Listed{Rule: rule, Engine: "Rego", From: each.at.String(), Own: true})
	}
	return list
}

// levelWord is a level as rules' pages write it.
func levelWord(level plugin.Level) string {
	text := level.String()
	return strings.ToUpper(text[:1]) + text[1:]
}

// Nearest is "; did you mean ...?" for the rule with the id nearest to one that
// does not exist, or empty when none is close.
func Nearest(id string, rules []Rule) string {
	var ids []string
	for _, rule := range rules {
		ids = append(ids, rule.ID)
	}
	return plugin.Nearest(id, ids)
}

// ListNotation is the trust policy document of a gate, whose statements are read
// when the gate is set up; nothing without one.
func ListNotation(of gate.Gate) []Listed {
	declared := of.Spec.Trust.Notation
	if declared == nil {
		return nil
	}
	rule := Rule{ID: declared.TrustPolicy, Title: "Whose Notation signatures vouch for the images in its registry scopes", Severity: "critical", Level: "Deny"}
	return []Listed{{Rule: rule, Engine: "Notation", From: of.At.String(), Level: rule.Level}}
}

// ListEvidence are the demands of a gate on what is attested about images.
func ListEvidence(of gate.Gate) []Listed {
	var list []Listed
	for _, demand := range of.Spec.Evidence {
		rule := Rule{ID: demand.Name, Title: "What must be attested about the images that the entry covers", Severity: "critical", Level: "Deny"}
		list = append(list, Listed{Rule: rule, Engine: "evidence", From: demand.At.String(), Level: rule.Level})
	}
	return list
}

// ListTrust are the trust rules of a gate that are sigstore's.
func ListTrust(policies []gate.ClusterImagePolicy) []Listed {
	var list []Listed
	for _, policy := range policies {
		rule := Rule{ID: policy.Metadata.Name, Title: "Who may vouch for the images that the trust rule covers", Severity: "critical", Level: "Deny"}
		if policy.Spec.Mode == "warn" {
			rule.Level = "Warn"
		}
		list = append(list, Listed{Rule: rule, Engine: "ClusterImagePolicy", From: policy.At.String(), Level: rule.Level})
	}
	return list
}
