package gate

import (
	"fmt"
	"regexp"
	"strings"
)

// Deployer is the identity by which the application is applied: the service
// account of Argo CD's controller or of Flux, or whom they impersonate.
type Deployer struct {
	// Username is as the API server knows it:
	// system:serviceaccount:argocd:argocd-application-controller.
	Username string `yaml:"username"`
	// Groups are those beside the ones that the API server adds by itself:
	// system:authenticated, and of a service account system:serviceaccounts and
	// system:serviceaccounts:<namespace>.
	Groups []string `yaml:"groups,omitempty"`
}

// PodSecurityAdmission is the API server's PodSecurityConfiguration, which no
// namespace shows: it decides admission's verdict, never the gate's own minimum.
type PodSecurityAdmission struct {
	// Defaults hold where a namespace has no label.
	Defaults PodSecurityModes `yaml:"defaults,omitempty"`
	// Exemptions are what admission does not look at.
	Exemptions PodSecurityExemptions `yaml:"exemptions,omitempty"`
}

// PodSecurityModes are the levels and versions of each mode, under the keys of
// PodSecurityConfiguration; empty is privileged and latest.
type PodSecurityModes struct {
	Enforce        string `yaml:"enforce,omitempty" enum:"privileged,baseline,restricted"`
	EnforceVersion string `yaml:"enforce-version,omitempty"`
	Audit          string `yaml:"audit,omitempty" enum:"privileged,baseline,restricted"`
	AuditVersion   string `yaml:"audit-version,omitempty"`
	Warn           string `yaml:"warn,omitempty" enum:"privileged,baseline,restricted"`
	WarnVersion    string `yaml:"warn-version,omitempty"`
}

// PodSecurityExemptions are compared exactly, as the API server does.
type PodSecurityExemptions struct {
	// Usernames make requests that are not looked at. The Pods of a workload are
	// made by a controller, so naming the deployer exempts only the Pods that the
	// application writes itself.
	Usernames []string `yaml:"usernames,omitempty"`
	// Namespaces are destination namespaces.
	Namespaces []string `yaml:"namespaces,omitempty"`
	// RuntimeClasses are those that a Pod may name.
	RuntimeClasses []string `yaml:"runtimeClasses,omitempty"`
}

// empty reports whether nothing is exempt.
func (e PodSecurityExemptions) empty() bool {
	return len(e.Usernames)+len(e.Namespaces)+len(e.RuntimeClasses) == 0
}

// username is what the API server knows somebody by: no white space, nothing
// that cannot be seen.
var username = regexp.MustCompile(`^[!-~]+$`)

func (c checker) checkAdmission(judge Judge) {
	const hint = "write the name as the API server knows it: system:serviceaccount:argocd:argocd-application-controller"
	if judge.Deployer != nil {
		c.like("spec.judge.deployer.username", judge.Deployer.Username, username, hint)
		c.likeAll("spec.judge.deployer.groups", judge.Deployer.Groups, username, hint)
	}
	admission := PodSecurityAdmission{}
	if judge.PodSecurityAdmission != nil {
		admission = *judge.PodSecurityAdmission
	}
	if judge.PodSecurity != nil && judge.PodSecurity.HonourExemptions && admission.Exemptions.empty() {
		c.bad("spec.judge.podSecurity.honourExemptions", "there are no exemptions to honour", "list them under spec.judge.podSecurityAdmission.exemptions, or take it out")
	}
	const at = "spec.judge.podSecurityAdmission."
	for _, version := range []struct{ field, value string }{
		{"enforce-version", admission.Defaults.EnforceVersion}, {"audit-version", admission.Defaults.AuditVersion}, {"warn-version", admission.Defaults.WarnVersion},
	} {
		c.like(at+"defaults."+version.field, version.value, podVersion, "write latest, or a version such as v1.31")
	}
	c.likeAll(at+"exemptions.usernames", admission.Exemptions.Usernames, username, hint)
	c.likeAll(at+"exemptions.namespaces", admission.Exemptions.Namespaces, labelName, "write a namespace's name; globs are not read here")
	c.likeAll(at+"exemptions.runtimeClasses", admission.Exemptions.RuntimeClasses, objectName, "write the RuntimeClass's name; globs are not read here")
}

// checkPodSecurityLabels refuses what no level is: a namespace with such a
// label cannot be created, so the description is not one of a namespace.
func (c checker) checkPodSecurityLabels(at string, labels map[string]string) {
	const prefix = "pod-security.kubernetes.io/"
	for _, mode := range []string{"enforce", "audit", "warn"} {
		switch level, written := labels[prefix+mode]; {
		case !written || level == "privileged" || level == "baseline" || level == "restricted":
		default:
			c.bad(at+".labels", fmt.Sprintf("%s%s: %q is no level", prefix, mode, level), "write privileged, baseline or restricted, as the namespace has it")
		}
		key := prefix + mode + "-version"
		if version, written := labels[key]; written && !podVersion.MatchString(version) {
			c.bad(at+".labels", fmt.Sprintf("%s: %q is no version", key, version), "write latest, or a version such as v1.31, as the namespace has it")
		}
	}
}

// words say what is known of the cluster's admission, for `assay gate check`.
func (j Judge) words() []string {
	var lines []string
	if j.Deployer != nil {
		lines = append(lines, "applied by "+j.Deployer.Username)
	}
	if j.PodSecurityAdmission == nil {
		return lines
	}
	exempt := j.PodSecurityAdmission.Exemptions
	for _, each := range []struct {
		what string
		list []string
	}{{"requests of", exempt.Usernames}, {"namespaces", exempt.Namespaces}, {"runtime classes", exempt.RuntimeClasses}} {
		if len(each.list) == 0 {
			continue
		}
		line := fmt.Sprintf("the cluster's Pod Security exempts %s %s", each.what, strings.Join(each.list, ", "))
		if j.PodSecurity != nil && j.PodSecurity.HonourExemptions {
			line += ", and so does this gate's own level"
		}
		lines = append(lines, line)
	}
	return lines
}
