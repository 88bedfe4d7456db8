package harden

import (
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// place is where the Pod's spec stands in an object.
type place struct {
	steps []string
	// path is the same as text: spec.template.spec.
	path string
}

// podSpecOf finds the Pod's spec of the kinds whose template is the API's own.
// Other custom resources are left alone: their schema need not know the
// fields.
func podSpecOf(object plugin.Object) (place, bool) {
	id := object.ID()
	var steps []string
	switch id.Group() + "/" + id.Kind {
	case "/Pod":
		steps = []string{"spec"}
	case "/PodTemplate":
		steps = []string{"template", "spec"}
	case "/ReplicationController", "apps/ReplicaSet", "apps/Deployment", "apps/StatefulSet", "apps/DaemonSet", "batch/Job",
		"argoproj.io/Rollout", "apps.kruise.io/CloneSet", "apps.kruise.io/StatefulSet", "apps.kruise.io/DaemonSet":
		steps = []string{"spec", "template", "spec"}
	case "batch/CronJob":
		steps = []string{"spec", "jobTemplate", "spec", "template", "spec"}
	default:
		return place{}, false
	}
	return place{steps: steps, path: strings.Join(steps, ".")}, true
}

// get follows the steps; nil when one of them is missing.
func (p place) get(fields map[string]any) map[string]any {
	for _, step := range p.steps {
		fields, _ = fields[step].(map[string]any)
	}
	return fields
}
