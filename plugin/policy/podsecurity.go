package policy

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	psapi "k8s.io/pod-security-admission/api"
	pspolicy "k8s.io/pod-security-admission/policy"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

/*
podSecurity judges every Pod, and every Pod that a workload would make, by the
Pod Security Standards, with the code of the admission plugin itself.

Two answers, both must pass: the gate's own minimum, which no label lowers, and
the level that the destination namespace enforces, as far as the gate describes
the namespace or the rendering holds it.

Rules: pss/<check>, one for each check of k8s.io/pod-security-admission/policy,
such as pss/runAsNonRoot.
*/
type podSecurity struct {
	evaluator pspolicy.Evaluator
	minimum   psapi.LevelVersion
}

// pssRule prefixes the id of a check.
const pssRule = "pss/"

// checkMark separates a check's id from its reason in what the evaluator
// answers: upstream's results do not say which check they come from.
const checkMark = "\x00"

// rejectedLater tells a denial of a workload's Pods from one of the workload.
const rejectedLater = "admission would let the workload in and reject the Pods that it makes"

func newPodSecurity(minimum *gate.PodSecurity) (*podSecurity, error) {
	checks := pspolicy.DefaultChecks()
	for i := range checks {
		for j := range checks[i].Versions {
			checks[i].Versions[j].CheckPod = marked(checks[i].ID, checks[i].Versions[j].CheckPod)
		}
	}
	evaluator, err := pspolicy.NewEvaluator(checks, nil)
	if err != nil {
		return nil, fmt.Errorf("preparing the Pod Security Standards: %w", err)
	}
	level := psapi.LevelVersion{Level: psapi.LevelPrivileged, Version: psapi.LatestVersion()}
	if minimum == nil {
		return &podSecurity{evaluator: evaluator, minimum: level}, nil
	}
	if level.Level, err = psapi.ParseLevel(minimum.Level); err != nil {
		return nil, fmt.Errorf("reading judge.podSecurity.level %q: %w", minimum.Level, err)
	}
	if minimum.Version != "" {
		if level.Version, err = psapi.ParseVersion(minimum.Version); err != nil {
			return nil, fmt.Errorf("reading judge.podSecurity.version %q: %w", minimum.Version, err)
		}
	}
	return &podSecurity{evaluator: evaluator, minimum: level}, nil
}

// marked makes a check say its id in front of its reason.
func marked(id pspolicy.CheckID, check pspolicy.CheckPodFn) pspolicy.CheckPodFn {
	return func(metadata *podMeta, spec *corev1.PodSpec) pspolicy.CheckResult {
		result := check(metadata, spec)
		if !result.Allowed {
			result.ForbiddenReason = string(id) + checkMark + result.ForbiddenReason
		}
		return result
	}
}

func (p *podSecurity) judge(_ context.Context, v *view) []plugin.Finding {
	rendered, findings := renderedLevels(v)
	for _, subject := range v.subjects {
		if subject.pod == nil {
			continue
		}
		levels := []standard{{LevelVersion: p.minimum, source: "the gate"}}
		levels = append(levels, namespaceLevels(v, subject.namespace)...)
		levels = append(levels, rendered[subject.namespace]...)
		findings = append(findings, p.judgePod(subject, levels)...)
	}
	return findings
}

// standard is a level and who asks for it.
type standard struct {
	psapi.LevelVersion
	source string
}

// judgePod reports each check once for each place, under the first level that
// asks for it.
func (p *podSecurity) judgePod(subject *subject, levels []standard) []plugin.Finding {
	var findings []plugin.Finding
	seen := map[[2]string]bool{}
	for i, level := range levels {
		if contains(levels[:i], level) {
			continue
		}
		for _, failed := range p.failures(subject, level.LevelVersion) {
			if place := [2]string{failed.id, failed.field}; !seen[place] {
				seen[place] = true
				findings = append(findings, p.finding(subject, level, failed))
			}
		}
	}
	return findings
}

func contains(levels []standard, level standard) bool {
	for _, other := range levels {
		if other.Equivalent(&level.LevelVersion) {
			return true
		}
	}
	return false
}

func (p *podSecurity) finding(subject *subject, level standard, failed failedCheck) plugin.Finding {
	message := failed.reason
	if failed.detail != "" {
		message += ": " + failed.detail
	}
	finding := subject.finding(pssRule+failed.id, plugin.Deny, message)
	check := describeCheck(failed.id)
	finding.Why, finding.Hint = check.why, check.fix
	finding.Details = []string{fmt.Sprintf("Pod Security %s, asked for by %s", level.LevelVersion, level.source)}
	if subject.made {
		finding.Details = append(finding.Details, rejectedLater)
	}
	finding.Field = failed.field
	return finding
}
