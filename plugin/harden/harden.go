package harden

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// The rules of this package; each change has the rule of its field.
const (
	rulePrefix   = "harden/"
	ruleHeldBack = "harden/held-back"
)

// setting is one field that a profile fills in.
type setting struct {
	// field is the name below a container's securityContext.
	field string
	// why is the reason of the change.
	why string
	// decide looks at a container that does not have the field.
	decide func(container) decision
}

// decision is what to do about one field of one container. The zero value
// leaves it alone without a word.
type decision struct {
	// value is set unless heldBack is.
	value any
	// heldBack says what would have broken, hint what to write.
	heldBack, hint string
	level          plugin.Level
}

// profiles are the shipped profiles, by version: what one fills in never
// grows without a new version, as every change restarts workloads.
func profiles() map[string][]setting {
	baseline := []setting{
		{"allowPrivilegeEscalation", "a setuid program in the image turns any user into root", privilegeEscalation},
		{"seccompProfile", "without seccomp every system call of the kernel is reachable", seccompProfile},
	}
	restricted := append(slices.Clone(baseline),
		setting{"capabilities", "the runtime's default capabilities are more than nearly all programs need", capabilities},
		setting{"runAsNonRoot", "the image's user is not root, and the kubelet now makes sure that it stays so", runAsNonRoot},
	)
	return map[string][]setting{"profile/baseline@1": baseline, "profile/restricted@1": restricted}
}

// Hardener fills in the settings of one profile. It implements
// plugin.Hardener, holds no state and may be used by many goroutines.
type Hardener struct {
	profile  string
	settings []setting
}

// New returns the hardener of a profile: profile/baseline@1 or
// profile/restricted@1. Any other name is an error.
func New(profile string) (*Hardener, error) {
	settings, found := profiles()[profile]
	switch {
	case found:
		return &Hardener{profile: profile, settings: settings}, nil
	case strings.HasPrefix(profile, "profile/openshift@"):
		return nil, fmt.Errorf("choosing the hardening profile: %q is not supported in this version; docs/roadmap.md lists what is not", profile)
	}
	return nil, fmt.Errorf("choosing the hardening profile: there is no %q; write profile/baseline@1, profile/restricted@1 or none", profile)
}

// Harden implements plugin.Hardener. Changed objects get new maps along the
// changed path, so that nothing that shares the old ones sees a change.
func (h *Hardener) Harden(ctx context.Context, objects []plugin.Object, images plugin.ImageIndex) []plugin.Finding {
	var findings []plugin.Finding
	for i := range objects {
		if err := context.Cause(ctx); err != nil {
			return append(findings, plugin.FindingsFromError("harden", err)...)
		}
		place, found := podSpecOf(objects[i])
		if !found {
			continue
		}
		findings = append(findings, h.hardenObject(&objects[i], target{index: i, place: place, images: images})...)
	}
	return findings
}

// target is where the Pod's spec of an object stands, and the images by which
// it is judged.
type target struct {
	index  int
	place  place
	images plugin.ImageIndex
}

func (h *Hardener) hardenObject(object *plugin.Object, at target) []plugin.Finding {
	pod := newPod(*object, at)
	var plans []plan
	var findings []plugin.Finding
	for _, container := range pod.containers() {
		planned := h.plan(container)
		findings = append(findings, planned.heldBack...)
		if len(planned.values) > 0 {
			plans = append(plans, planned)
		}
	}
	if pod.windows() {
		return heldBackWhole(*object, at.place, true, "the settings of Linux containers do not apply to Windows Pods")
	}
	if reason := untouchable(*object); reason != "" {
		return heldBackWhole(*object, at.place, len(plans) > 0, reason)
	}
	for _, planned := range plans {
		object.Fields = planned.apply(object.Fields)
		findings = append(findings, planned.changes...)
	}
	return findings
}

// plan is what to do with one container.
type plan struct {
	container container
	// values are new fields of its securityContext.
	values            map[string]any
	changes, heldBack []plugin.Finding
}

// plan decides about every setting of one container.
func (h *Hardener) plan(container container) plan {
	planned := plan{container: container, values: map[string]any{}}
	if !container.readable() {
		return planned
	}
	for _, setting := range h.settings {
		if container.isSet(setting.field) {
			continue
		}
		decided := setting.decide(container)
		switch {
		case decided.heldBack != "":
			planned.heldBack = append(planned.heldBack, container.heldBack(setting.field, decided))
		case decided.value != nil:
			planned.values[setting.field] = decided.value
			planned.changes = append(planned.changes, container.changed(setting, decided.value))
		}
	}
	return planned
}

// untouchable is why the object must not be changed at all, or empty. A Job's
// template cannot be changed once it exists (batch/v1 JobSpec, template is
// immutable), so filling it in would fail the next sync; a hook's Job is made
// anew each time. A static Pod is the kubelet's.
func untouchable(object plugin.Object) string {
	id := object.ID()
	metadata, _ := object.Fields["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	switch {
	case id.Kind == "Job" && id.Group() == "batch" && !isHook(annotations):
		return "the template of a Job cannot be changed once the Job exists, so the next sync would fail"
	case annotations["kubernetes.io/config.mirror"] != nil, annotations["kubernetes.io/config.source"] != nil:
		return "a static Pod belongs to the kubelet of its node"
	}
	return ""
}

// isHook reports whether the tool that syncs deletes the object and makes it
// anew.
func isHook(annotations map[string]any) bool {
	for _, name := range []string{"helm.sh/hook", "argocd.argoproj.io/hook"} {
		if text, _ := annotations[name].(string); text != "" {
			return true
		}
	}
	return false
}

func heldBackWhole(object plugin.Object, at place, wouldChange bool, reason string) []plugin.Finding {
	if !wouldChange {
		return nil
	}
	return []plugin.Finding{{
		Rule: ruleHeldBack, Level: plugin.Info, Object: object.ID(), Origin: object.Origin, Field: at.path,
		Message: "nothing was filled in: " + reason,
		Hint:    "write the settings of the containers' securityContext yourself",
	}}
}
