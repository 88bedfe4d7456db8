package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	psapi "k8s.io/pod-security-admission/api"
	pspolicy "k8s.io/pod-security-admission/policy"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// rulePodSecurityAdmission is admission's own verdict, apart from the gate's
// minimum: a waiver, a level or an exemption of the one says nothing of the
// other.
const rulePodSecurityAdmission = pssRule + "admission"

/*
clusterPodSecurity is what the API server was told of Pod Security
(PodSecurityConfiguration), as the gate mirrors it.

The admission plugin (k8s.io/pod-security-admission/admission, ValidatePod and
ValidatePodController) enforces on Pods alone; about a workload it warns. Here
both are judged: a workload whose Pods would be rejected never runs.
*/
type clusterPodSecurity struct {
	defaults psapi.Policy
	exempt   gate.PodSecurityExemptions
	// known is set when the gate says what the defaults are.
	known bool
}

func newClusterPodSecurity(described *gate.PodSecurityAdmission) (clusterPodSecurity, error) {
	if described == nil {
		return clusterPodSecurity{defaults: privileged()}, nil
	}
	written := described.Defaults
	labels := map[string]string{psapi.WarnLevelLabel: cmp.Or(written.Warn, string(psapi.LevelPrivileged))} // else it would follow enforce
	for label, value := range map[string]string{
		psapi.EnforceLevelLabel: written.Enforce, psapi.EnforceVersionLabel: written.EnforceVersion, psapi.AuditLevelLabel: written.Audit,
		psapi.AuditVersionLabel: written.AuditVersion, psapi.WarnVersionLabel: written.WarnVersion,
	} {
		if value != "" {
			labels[label] = value
		}
	}
	defaults, problems := psapi.PolicyToEvaluate(labels, privileged())
	if len(problems) > 0 {
		return clusterPodSecurity{}, fmt.Errorf("reading judge.podSecurityAdmission.defaults: %w", problems.ToAggregate())
	}
	return clusterPodSecurity{defaults: defaults, exempt: described.Exemptions, known: true}, nil
}

// exempts reports whether admission does not look at the Pod. A workload's Pods
// are made by its controller, so that the deployer's name does not count there.
func (c clusterPodSecurity) exempts(s *subject) bool {
	class := s.pod.Spec.RuntimeClassName
	user := s.asked().UserInfo().GetName()
	if s.made {
		user = controllerOf(s.id)
	}
	return s.namespace != "" && slices.Contains(c.exempt.Namespaces, s.namespace) ||
		class != nil && *class != "" && slices.Contains(c.exempt.RuntimeClasses, *class) ||
		user != "" && slices.Contains(c.exempt.Usernames, user)
}

// controllerOf is the account that makes the Pods of a built-in workload
// (k8s.io/kubernetes plugin/pkg/auth/authorizer/rbac/bootstrappolicy,
// buildControllerRoles); empty for other kinds.
func controllerOf(id plugin.ObjectID) string {
	controller := ""
	switch id.Group() + "/" + id.Kind {
	case "/ReplicationController":
		controller = "replication-controller"
	case "apps/ReplicaSet", "apps/Deployment":
		controller = "replicaset-controller"
	case "apps/StatefulSet":
		controller = "statefulset-controller"
	case "apps/DaemonSet":
		controller = "daemon-set-controller"
	case "batch/Job", "batch/CronJob":
		controller = "job-controller"
	default:
		return ""
	}
	return "system:serviceaccount:kube-system:" + controller
}

// asked is what a namespace's labels ask for, and who wrote them.
type asked struct {
	psapi.Policy
	source string
}

// policies are what admission will evaluate in a namespace: by the labels that
// the gate describes and by those of rendered Namespaces, of which either may
// be there first. Without both the API server's defaults hold, when they are
// known.
func (c clusterPodSecurity) policies(v *view, namespace string, rendered map[string][]asked) []asked {
	var all []asked
	if described := v.namespaces[namespace]; described != nil {
		policy, _ := psapi.PolicyToEvaluate(described.Labels, c.defaults) // a gate with other labels is not loaded
		all = append(all, asked{Policy: policy, source: "the labels of namespace " + namespace})
	}
	all = append(all, rendered[namespace]...)
	if len(all) == 0 && c.known {
		all = append(all, asked{Policy: c.defaults, source: "the API server's defaults, as the gate does not describe the namespace"})
	}
	return all
}

// admission is admission's verdict on one Pod: the first level that rejects it,
// else what the user would be warned of, and what would be recorded.
func (p *podSecurity) admission(s *subject, policies []asked) []plugin.Finding {
	if p.cluster.exempts(s) {
		return nil
	}
	var findings []plugin.Finding
	said := map[psapi.LevelVersion]bool{}
	for _, mode := range []struct {
		level plugin.Level
		of    func(psapi.Policy) psapi.LevelVersion
	}{
		{plugin.Deny, func(policy psapi.Policy) psapi.LevelVersion { return policy.Enforce }},
		{plugin.Warn, func(policy psapi.Policy) psapi.LevelVersion { return policy.Warn }},
		{plugin.Info, func(policy psapi.Policy) psapi.LevelVersion { return policy.Audit }},
	} {
		if mode.level == plugin.Warn && len(findings) > 0 {
			continue // who is refused is not warned as well
		}
		for _, policy := range policies {
			level := mode.of(policy.Policy)
			detail := p.forbidden(s, level)
			if detail == "" || said[level] {
				continue
			}
			said[level] = true
			findings = append(findings, p.admissionFinding(s, mode.level, fmt.Sprintf("PodSecurity %q: %s", level.String(), detail), policy.source))
		}
	}
	return findings
}

// admissionFinding words the verdict as the admission plugin does.
func (p *podSecurity) admissionFinding(s *subject, level plugin.Level, violation, source string) plugin.Finding {
	message := "would violate " + violation
	switch {
	case level == plugin.Deny && s.made:
		message = "would be rejected at Pod creation: violates " + violation
	case level == plugin.Deny:
		message = "violates " + violation
	}
	finding := s.finding(rulePodSecurityAdmission, level, message)
	finding.Field = cmp.Or(s.template.spec, finding.Field)
	finding.Why = "the API server admits Pods by the labels of their namespace, whatever the gate lets pass"
	finding.Hint = "change the Pod as the message says, or ask for another namespace; the findings of rules " + pssRule + "* name the fields"
	finding.Details = []string{"asked for by " + source}
	if level == plugin.Deny && s.made {
		finding.Details = append(finding.Details, rejectedLater)
	}
	return finding
}

// forbidden is why the Pod does not meet the level, in upstream's words; empty
// when it does.
func (p *podSecurity) forbidden(s *subject, level psapi.LevelVersion) string {
	results := p.evaluator.EvaluatePod(level, &s.pod.ObjectMeta, &s.pod.Spec)
	for i := range results {
		if _, reason, marked := strings.Cut(results[i].ForbiddenReason, checkMark); marked {
			results[i].ForbiddenReason = reason
		}
	}
	if result := pspolicy.AggregateCheckResults(results); !result.Allowed {
		return result.ForbiddenDetail()
	}
	return ""
}

// rendered are the levels that rendered Namespaces ask for. They add to the
// others, so that an application can only be stricter with itself. Admission
// does not create a Namespace whose labels it cannot read.
func (c clusterPodSecurity) rendered(v *view) (map[string][]asked, []plugin.Finding) {
	levels := map[string][]asked{}
	var findings []plugin.Finding
	for _, subject := range v.subjects {
		namespace, ok := subject.object.(*corev1.Namespace)
		if !ok {
			continue
		}
		policy, problems := psapi.PolicyToEvaluate(namespace.Labels, c.defaults)
		levels[namespace.Name] = append(levels[namespace.Name], asked{Policy: policy, source: "the rendered namespace " + namespace.Name})
		for _, problem := range problems {
			finding := subject.finding(ruleInvalidPodSecurity, plugin.Deny, problem.Error())
			finding.Hint = "write privileged, baseline or restricted, and a version such as v1.35 or latest"
			findings = append(findings, finding)
		}
		if slices.Contains(c.exempt.Namespaces, namespace.Name) && !policy.FullyPrivileged() && !policy.Equivalent(&c.defaults) {
			finding := subject.finding(rulePodSecurityAdmission, plugin.Warn, fmt.Sprintf("namespace %q is exempt from Pod Security, and the policy of its labels will be ignored", namespace.Name))
			finding.Hint = "take the labels out, or the namespace out of the cluster's exemptions"
			findings = append(findings, finding)
		}
	}
	return levels, findings
}
