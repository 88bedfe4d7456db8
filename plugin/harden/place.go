package harden

import (
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// place is where the Pod's spec stands in an object: spec.template.spec.
type place string

// podSpecOf finds the Pod's spec of the kinds whose template is the API's own.
// Other custom resources are left alone: their schema need not know the
// fields.
func podSpecOf(id plugin.ObjectID) (place, bool) {
	switch id.Group() + "/" + id.Kind {
	case "/Pod":
		return "spec", true
	case "/PodTemplate":
		return "template.spec", true
	case "/ReplicationController", "apps/ReplicaSet", "apps/Deployment", "apps/StatefulSet", "apps/DaemonSet", "batch/Job",
		"argoproj.io/Rollout", "apps.kruise.io/CloneSet", "apps.kruise.io/StatefulSet", "apps.kruise.io/DaemonSet":
		return "spec.template.spec", true
	case "batch/CronJob":
		return "spec.jobTemplate.spec.template.spec", true
	}
	return "", false
}

// get is the Pod's spec; nil when it is not there.
func (p place) get(fields map[string]any) map[string]any {
	for step := range strings.SplitSeq(string(p), ".") {
		fields, _ = fields[step].(map[string]any)
	}
	return fields
}

// metadata are the labels or the annotations of the Pod or of the template that
// makes it, which stand beside the spec.
func (p place) metadata(object plugin.Object, name string) map[string]any {
	holder := object.Fields
	if last := strings.LastIndexByte(string(p), '.'); last > 0 {
		holder = p[:last].get(holder)
	}
	members, _ := at(holder, "metadata", name).(map[string]any)
	return members
}

// steps is the way to the spec, for edits.
func (p place) steps() []any {
	var steps []any
	for step := range strings.SplitSeq(string(p), ".") {
		steps = append(steps, step)
	}
	return steps
}
