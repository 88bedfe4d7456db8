package policy

import (
	"fmt"
	"strings"

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

// locate names the field that made a check fail: the one container whose
// removal of all others still fails it, else the Pod's spec.
func (p *podSecurity) locate(subject *subject, level psapi.LevelVersion, check string) string {
	place := describeCheck(check)
	if place.podField != "" && !place.perContainer {
		return subject.template.spec + "." + place.podField
	}
	if !place.perContainer {
		return subject.template.spec
	}
	var failing []string
	for _, list := range containerLists(&subject.pod.Spec) {
		for i := range list.length {
			if p.fails(subject, level, check, list.only(i)) {
				failing = append(failing, subject.template.container(list.name, i)+"."+place.field)
			}
		}
	}
	if len(failing) == 1 {
		return failing[0]
	}
	return subject.template.spec
}

// fails reports whether the check fails on the Pod with one container alone.
func (p *podSecurity) fails(subject *subject, level psapi.LevelVersion, check string, keep func(*corev1.PodSpec)) bool {
	spec := subject.pod.Spec
	keep(&spec)
	for _, result := range p.evaluator.EvaluatePod(level, &subject.pod.ObjectMeta, &spec) {
		if !result.Allowed && strings.HasPrefix(result.ForbiddenReason, check+checkMark) {
			return true
		}
	}
	return false
}

// containerList is one of a Pod's three lists of containers.
type containerList struct {
	name   string
	length int
	// only returns what removes all containers but one of the list.
	only func(index int) func(*corev1.PodSpec)
}

func containerLists(spec *corev1.PodSpec) []containerList {
	return []containerList{
		{"initContainers", len(spec.InitContainers), func(i int) func(*corev1.PodSpec) {
			return func(spec *corev1.PodSpec) {
				spec.InitContainers, spec.Containers, spec.EphemeralContainers = spec.InitContainers[i:i+1], nil, nil
			}
		}},
		{"containers", len(spec.Containers), func(i int) func(*corev1.PodSpec) {
			return func(spec *corev1.PodSpec) {
				spec.InitContainers, spec.Containers, spec.EphemeralContainers = nil, spec.Containers[i:i+1], nil
			}
		}},
		{"ephemeralContainers", len(spec.EphemeralContainers), func(i int) func(*corev1.PodSpec) {
			return func(spec *corev1.PodSpec) {
				spec.InitContainers, spec.Containers, spec.EphemeralContainers = nil, nil, spec.EphemeralContainers[i:i+1]
			}
		}},
	}
}
