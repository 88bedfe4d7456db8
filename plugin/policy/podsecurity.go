package policy

import (
	"context"
	"fmt"
	"slices"

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
admission's verdict, by the labels of the destination namespace as far as the
gate describes it or the rendering holds it. What the cluster exempts is exempt
from its verdict, and from the minimum only when the gate honours exemptions.

Rules: pss/<check> for the minimum, one for each check of
k8s.io/pod-security-admission/policy, such as pss/runAsNonRoot; pss/admission
for admission's verdict.
*/
type podSecurity struct {
	evaluator pspolicy.Evaluator
	minimum   psapi.LevelVersion
	// honour lets the cluster's exemptions lower the minimum too.
	honour  bool
	cluster clusterPodSecurity
}

// pssRule prefixes the id of a check.
const pssRule = "pss/"

// checkMark separates a check's id from its reason in what the evaluator
// answers: upstream's results do not say which check they come from.
const checkMark = "\x00"

// rejectedLater tells a denial of a workload's Pods from one of the workload.
const rejectedLater = "admission would let the workload in and reject the Pods that it makes"

func newPodSecurity(judge gate.Judge) (*podSecurity, error) {
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
	cluster, err := newClusterPodSecurity(judge.PodSecurityAdmission)
	if err != nil {
		return nil, err
	}
	made := &podSecurity{evaluator: evaluator, minimum: privileged().Enforce, cluster: cluster}
	minimum := judge.PodSecurity
	if minimum == nil {
		return made, nil
	}
	made.honour = minimum.HonourExemptions
	if made.minimum.Level, err = psapi.ParseLevel(minimum.Level); err != nil {
		return nil, fmt.Errorf("reading judge.podSecurity.level %q: %w", minimum.Level, err)
	}
	if minimum.Version != "" {
		if made.minimum.Version, err = psapi.ParseVersion(minimum.Version); err != nil {
			return nil, fmt.Errorf("reading judge.podSecurity.version %q: %w", minimum.Version, err)
		}
	}
	return made, nil
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

func (p *podSecurity) judge(ctx context.Context, v *view) []plugin.Finding {
	rendered, findings := p.cluster.rendered(v)
	ofSubjects := make([][]plugin.Finding, len(v.subjects))
	sideBySide(len(v.subjects), func(i int) {
		s := v.subjects[i]
		if s.pod == nil || ctx.Err() != nil {
			return
		}
		if !p.honour || !p.cluster.exempts(s) {
			for _, failed := range p.failures(s, p.minimum) {
				ofSubjects[i] = append(ofSubjects[i], p.finding(s, failed))
			}
		}
		ofSubjects[i] = append(ofSubjects[i], p.admission(s, p.cluster.policies(v, s.namespace, rendered))...)
	})
	return append(findings, slices.Concat(ofSubjects...)...)
}

func (p *podSecurity) finding(subject *subject, failed failedCheck) plugin.Finding {
	message := failed.reason
	if failed.detail != "" {
		message += ": " + failed.detail
	}
	finding := subject.finding(pssRule+failed.id, plugin.Deny, message)
	check := describeCheck(failed.id)
	finding.Why, finding.Hint = check.why, check.fix
	finding.Details = []string{fmt.Sprintf("Pod Security %s, asked for by the gate", p.minimum)}
	finding.Field = failed.field
	return finding
}
