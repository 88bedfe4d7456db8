package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// Effect is what a changed Pod template does to a workload that runs already.
type Effect string

const (
	// Rolls means that the controller replaces the running Pods.
	Rolls Effect = "rolls"
	// NextRun means that what is started from now on is changed: CronJobs, and
	// Jobs that a sync makes anew.
	NextRun Effect = "next-run"
	// NewPods means that running Pods stay as they are: ReplicaSets,
	// ReplicationControllers and PodTemplates.
	NewPods Effect = "new-pods"
	// Replaced means that the API server refuses the change of one that exists
	// (core/v1 PodSpec, batch/v1 JobSpec): it has to be deleted and made anew.
	Replaced Effect = "replaced"
	// ByController means a kind whose controller decides.
	ByController Effect = "by-controller"
)

// Effects are all of them, in the order of reports.
func Effects() []Effect { return []Effect{Rolls, NextRun, NewPods, Replaced, ByController} }

// Says is the effect for people.
func (e Effect) Says() string {
	switch e {
	case Rolls:
		return "rolls"
	case NextRun:
		return "changes at its next run"
	case NewPods:
		return "changes in new Pods"
	case Replaced:
		return "cannot be changed while it exists"
	case ByController:
	}
	return "changes as its controller decides"
}

// Rollout is a workload whose Pods are not what its author wrote, as the gate
// changed its template. The counts are of changes that the author did not make.
type Rollout struct {
	// Object is the workload.
	Object plugin.ObjectID `json:"object"`
	// Effect is what becomes of the workload if it runs without these changes.
	Effect Effect `json:"effect"`
	// Pinned counts the images that got a digest that nobody had written.
	Pinned int `json:"pinned"`
	// FilledIn counts the settings that hardening filled in.
	FilledIn int `json:"filledIn"`
	// Mutated counts the changes by the platform's own policies.
	Mutated int `json:"mutated"`
}

// Rollouts lists the workloads whose Pods change because the gate changed their
// template: an image was pinned that the author had not pinned, a setting was
// filled in, or a policy of the platform's changed it. It reads the verdict; the
// cluster is not asked.
func Rollouts(v *plugin.Verdict) []Rollout {
	counts := map[plugin.ObjectID]*Rollout{}
	of := func(id plugin.ObjectID) *Rollout {
		if counts[id] == nil {
			counts[id] = &Rollout{Object: id}
		}
		return counts[id]
	}
	for _, image := range v.Images {
		if !pinnedByRun(v, image) {
			continue
		}
		for _, use := range image.Uses {
			of(use.ID).Pinned++
		}
	}
	for _, finding := range v.Findings {
		switch {
		case !isChange(finding) || !inTemplate(finding):
		case byPlatform(finding):
			of(finding.Object).Mutated++
		default:
			of(finding.Object).FilledIn++
		}
	}
	rollouts := make([]Rollout, 0, len(counts))
	for _, each := range counts {
		each.Effect = effectOf(*each)
		rollouts = append(rollouts, *each)
	}
	slices.SortFunc(rollouts, func(a, b Rollout) int {
		return cmp.Or(cmp.Compare(slices.Index(Effects(), a.Effect), slices.Index(Effects(), b.Effect)),
			cmp.Compare(a.Object.String(), b.Object.String()), cmp.Compare(a.Object.APIVersion, b.Object.APIVersion))
	})
	return rollouts
}

// isChange reports whether the finding records a change to the manifests that
// the author did not make.
func isChange(finding plugin.Finding) bool {
	changes := finding.Was != "" || finding.Now != ""
	return changes && (strings.HasPrefix(finding.Rule, "harden/") || byPlatform(finding))
}

// byPlatform reports whether a mutation of the platform's own made the change.
func byPlatform(finding plugin.Finding) bool { return strings.HasPrefix(finding.Rule, "mutate/") }

// inTemplate reports whether a change is one of a Pod's template: of an object
// that has one, at or below the object's spec or template.
func inTemplate(finding plugin.Finding) bool {
	first, _, _ := strings.Cut(finding.Field, ".")
	switch finding.Object.Kind {
	case "CronJob", "PodTemplate":
		return first == "spec" || first == "template"
	case "Pod":
		return first == "spec"
	}
	return finding.Field == "spec" || strings.HasPrefix(finding.Field, "spec.template")
}

// effectOf knows the kinds whose controllers are known (apps/v1, batch/v1, Argo
// Rollouts, OpenKruise, Knative).
func effectOf(rollout Rollout) Effect {
	id := rollout.Object
	switch id.Group() + "/" + id.Kind {
	case "apps/Deployment", "apps/StatefulSet", "apps/DaemonSet", "argoproj.io/Rollout", "apps.kruise.io/CloneSet",
		"apps.kruise.io/StatefulSet", "apps.kruise.io/DaemonSet", "serving.knative.dev/Service":
		return Rolls
	case "batch/CronJob", "argoproj.io/CronWorkflow":
		return NextRun
	case "apps/ReplicaSet", "/ReplicationController", "/PodTemplate":
		return NewPods
	case "batch/Job":
		if rollout.FilledIn > 0 { // only Jobs that a sync makes anew are filled in
			return NextRun
		}
		return Replaced
	case "/Pod":
		if rollout.FilledIn+rollout.Mutated == 0 { // the image is one of few fields that may change
			return Rolls
		}
		return Replaced
	}
	return ByController
}

// EffectOn is what a changed Pod template does to an object that runs already.
func EffectOn(id plugin.ObjectID) Effect { return effectOf(Rollout{Object: id, Mutated: 1}) }

// reasons are what was changed: "1 image pinned, 4 settings filled in".
func (r Rollout) reasons() string {
	var parts []string
	for _, part := range []struct {
		count      int
		noun, done string
	}{{r.Pinned, "image", "pinned"}, {r.FilledIn, "setting", "filled in"}, {r.Mutated, "field", "changed by the platform's policies"}} {
		if part.count > 0 {
			parts = append(parts, plural(part.count, part.noun)+" "+part.done)
		}
	}
	return strings.Join(parts, ", ")
}

// rolling counts the workloads, and those whose running Pods are replaced.
func rolling(rollouts []Rollout) string {
	count := 0
	for _, each := range rollouts {
		if each.Effect == Rolls {
			count++
		}
	}
	return fmt.Sprintf("%d of %s roll, if they run as their author wrote them", count, plural(len(rollouts), "workload"))
}
