package policy

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	psapi "k8s.io/pod-security-admission/api"
)

// failedCheck is upstream's answer, and the field that it is about.
type failedCheck struct{ id, reason, detail, field string }

// failures are the checks that the Pod fails, each once for every container
// that fails it by itself: a waiver binds to one container, and hardening says
// of one container that it could not look. What the Pod's own settings fail, or
// no container fails alone, is a failure of the Pod.
func (p *podSecurity) failures(subject *subject, level psapi.LevelVersion) []failedCheck {
	whole := p.evaluate(subject, level, subject.pod.Spec)
	if len(whole) == 0 {
		return nil
	}
	bare := subject.pod.Spec
	bare.InitContainers, bare.Containers, bare.EphemeralContainers = nil, nil, nil
	ofPod := map[string]bool{}
	for _, failed := range p.evaluate(subject, level, bare) {
		ofPod[failed.id] = true
	}
	ofContainers := p.containerFailures(subject, level)
	var failures []failedCheck
	for _, failed := range whole {
		place := describeCheck(failed.id)
		if found := ofContainers[failed.id]; place.field != "" && !ofPod[failed.id] && len(found) > 0 {
			failures = append(failures, found...)
			continue
		}
		failed.field = subject.template.spec
		if place.podField != "" {
			failed.field += "." + place.podField
		}
		failures = append(failures, failed)
	}
	return failures
}

// containerFailures are what each container fails when it is the only one, by
// check.
func (p *podSecurity) containerFailures(subject *subject, level psapi.LevelVersion) map[string][]failedCheck {
	failures := map[string][]failedCheck{}
	for _, list := range containerLists(&subject.pod.Spec) {
		for i := range list.length {
			alone := subject.pod.Spec
			list.only(&alone, i)
			for _, failed := range p.evaluate(subject, level, alone) {
				failed.field = subject.template.container(list.name, i) + "." + describeCheck(failed.id).field
				failures[failed.id] = append(failures[failed.id], failed)
			}
		}
	}
	return failures
}

func (p *podSecurity) evaluate(subject *subject, level psapi.LevelVersion, spec corev1.PodSpec) []failedCheck {
	var failures []failedCheck
	for _, result := range p.evaluator.EvaluatePod(level, &subject.pod.ObjectMeta, &spec) {
		if !result.Allowed {
			id, reason, _ := strings.Cut(result.ForbiddenReason, checkMark)
			failures = append(failures, failedCheck{id: id, reason: reason, detail: result.ForbiddenDetail})
		}
	}
	return failures
}

// containerList is one of a Pod's three lists of containers.
type containerList struct {
	name   string
	length int
	// only removes all containers but one of the list.
	only func(spec *corev1.PodSpec, index int)
}

func containerLists(spec *corev1.PodSpec) []containerList {
	return []containerList{
		{"initContainers", len(spec.InitContainers), func(spec *corev1.PodSpec, i int) {
			spec.InitContainers, spec.Containers, spec.EphemeralContainers = spec.InitContainers[i:i+1], nil, nil
		}},
		{"containers", len(spec.Containers), func(spec *corev1.PodSpec, i int) {
			spec.InitContainers, spec.Containers, spec.EphemeralContainers = nil, spec.Containers[i:i+1], nil
		}},
		{"ephemeralContainers", len(spec.EphemeralContainers), func(spec *corev1.PodSpec, i int) {
			spec.InitContainers, spec.Containers, spec.EphemeralContainers = nil, nil, spec.EphemeralContainers[i:i+1]
		}},
	}
}
