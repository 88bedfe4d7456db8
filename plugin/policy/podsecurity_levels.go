package policy

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	psapi "k8s.io/pod-security-admission/api"

	"github.com/assay-gitops/assay/plugin"
)

type podMeta = metav1.ObjectMeta

// namespaceLevels is what the gate says of the destination namespace's labels.
func namespaceLevels(v *view, namespace string) []standard {
	described := v.namespaces[namespace]
	if described == nil {
		return nil
	}
	policy, _ := psapi.PolicyToEvaluate(described.Labels, privileged())
	return []standard{{LevelVersion: policy.Enforce, source: fmt.Sprintf("namespace %s", namespace)}}
}

// privileged is the API server's own default: nothing is enforced.
func privileged() psapi.Policy {
	level := psapi.LevelVersion{Level: psapi.LevelPrivileged, Version: psapi.LatestVersion()}
	return psapi.Policy{Enforce: level, Audit: level, Warn: level}
}

// renderedLevels are the levels that rendered Namespaces ask for. They add to
// the others, so that an application can only be stricter with itself. A label
// that admission cannot read makes it enforce restricted, and so do we.
func renderedLevels(v *view) (map[string][]standard, []plugin.Finding) {
	levels := map[string][]standard{}
	var findings []plugin.Finding
	for _, subject := range v.subjects {
		namespace, ok := subject.object.(*corev1.Namespace)
		if !ok {
			continue
		}
		policy, problems := psapi.PolicyToEvaluate(namespace.Labels, privileged())
		levels[namespace.Name] = append(levels[namespace.Name],
			standard{LevelVersion: policy.Enforce, source: "the rendered namespace " + namespace.Name})
		for _, problem := range problems {
			finding := subject.finding(ruleInvalidPodSecurity, plugin.Deny, problem.Error())
			finding.Hint = "write privileged, baseline or restricted, and a version such as v1.35 or latest"
			findings = append(findings, finding)
		}
	}
	return levels, findings
}
