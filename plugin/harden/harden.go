package harden

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// The rules of this package; each change has the rule of its field.
const (
	rulePrefix   = "harden/"
	ruleHeldBack = "harden/held-back"
)

// Hardener fills in the settings of one profile and what the gate asks for
// beyond it. It implements plugin.Hardener, holds no state and may be used by
// many goroutines.
type Hardener struct {
	containers []setting
	pods       []podSetting
	sets       []setSetting
}

// Harden implements plugin.Hardener. Changed objects get new maps along the
// changed path, so that nothing that shares the old ones sees a change.
func (h *Hardener) Harden(ctx context.Context, rendering plugin.Unhardened) ([]plugin.Object, []plugin.Finding) {
	var findings [][]plugin.Finding
	objects := rendering.Objects
	around := newSurroundings(rendering)
	var all plan
	for i := range objects {
		if err := context.Cause(ctx); err != nil {
			return objects, slices.Concat(append(findings, plugin.FindingsFromError("harden", err))...)
		}
		place, found := podSpecOf(objects[i].ID())
		if !found {
			continue
		}
		all.reset()
		findings = append(findings, h.hardenObject(&objects[i], target{index: i, place: place, images: rendering.Images, around: around}, &all))
	}
	for _, setting := range h.sets {
		added, said := setting(around, objects)
		objects, findings = added, append(findings, said)
	}
	return objects, slices.Concat(findings...)
}

// target is where the Pod's spec of an object stands, and what it is judged by.
type target struct {
	index  int
	place  place
	images plugin.ImageIndex
	around *surroundings
}

// hardenObject decides with an empty plan.
func (h *Hardener) hardenObject(object *plugin.Object, at target, all *plan) []plugin.Finding {
	pod := newPod(*object, at)
	for _, container := range pod.containers {
		if container.readable() {
			all.decide(h.containers, container)
		}
	}
	all.decidePod(h.pods, pod)
	if pod.windows() {
		return heldBackWhole(*object, at.place, true, "the settings of Linux containers do not apply to Windows Pods")
	}
	if reason := at.around.untouchable(*object); reason != "" {
		return heldBackWhole(*object, at.place, len(all.edits) > 0, reason)
	}
	object.Fields = apply(object.Fields, all.edits)
	return slices.Concat(all.heldBack, all.changes)
}

// plan is what to do with one object. Its memory serves the next one.
type plan struct {
	edits             []edit
	changes, heldBack []plugin.Finding
}

func (p *plan) reset() {
	p.edits, p.changes, p.heldBack = p.edits[:0], p.changes[:0], p.heldBack[:0]
}

// decide asks every setting about one container. The fields of its
// securityContext are written at once.
func (p *plan) decide(settings []setting, container *container) {
	var security map[string]any
	for _, setting := range settings {
		if setting.isSet(container) {
			continue
		}
		decided := setting.decide(container)
		if decided.silent() || !p.take(decided, container.finding(setting)) {
			continue
		}
		if name, in := setting.inContext(); in {
			if security == nil {
				security = maps.Clone(container.security)
			}
			if security == nil {
				security = make(map[string]any, len(settings))
			}
			security[name] = decided.value
			continue
		}
		p.edits = append(p.edits, edit{container.steps(setting.steps...), decided.value})
	}
	if security != nil {
		p.edits = append(p.edits, edit{container.steps("securityContext"), security})
	}
}

// decidePod asks every setting about the Pod itself.
func (p *plan) decidePod(settings []podSetting, pod *pod) {
	for _, setting := range settings {
		if pod.spec == nil || pod.spec[setting.name] != nil {
			continue
		}
		if decided := setting.decide(pod); !decided.silent() && p.take(decided, pod.finding(setting)) {
			p.edits = append(p.edits, edit{pod.steps(setting.name), decided.value})
		}
	}
}

// take notes what was decided about one field, and reports whether it changes.
func (p *plan) take(decided decision, about subject) bool {
	switch {
	case decided.heldBack != "":
		p.heldBack = append(p.heldBack, about.heldBack(decided))
	case decided.value != nil:
		p.edits = append(p.edits, decided.beside...)
		p.changes = append(p.changes, about.changed(decided))
		return true
	}
	return false
}

// untouchable is why the object must not be changed at all, or empty. A Job's
// template cannot be changed once it exists (batch/v1 JobSpec, template is
// immutable), and nearly nothing of a Pod (core/v1, ValidatePodUpdate), so
// filling them in would fail the next sync; a hook, and one whose name the API
// server makes, is made anew each time. A static Pod is the kubelet's.
func (s *surroundings) untouchable(object plugin.Object) string {
	id := object.ID()
	metadata, _ := object.Fields["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	stays := !s.isHook(annotations) && (metadata["name"] != nil || metadata["generateName"] == nil)
	switch {
	case annotations["kubernetes.io/config.mirror"] != nil, annotations["kubernetes.io/config.source"] != nil:
		return "a static Pod belongs to the kubelet of its node"
	case stays && id.Kind == "Job" && id.Group() == "batch":
		return "the template of a Job cannot be changed once the Job exists, so the next sync would fail"
	case stays && id.Kind == "Pod" && id.Group() == "":
		return "the containers of a Pod cannot be changed once the Pod exists, so the next sync would fail"
	}
	return ""
}

// isHook reports whether the tool that syncs deletes the object and makes it
// anew. Flux knows no hooks in what a Kustomization applies, and its own
// annotation for it (kustomize-controller, "force").
func (s *surroundings) isHook(annotations map[string]any) bool {
	if s.flux {
		text, _ := annotations["kustomize.toolkit.fluxcd.io/force"].(string)
		return strings.EqualFold(text, "enabled")
	}
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
		Rule: ruleHeldBack, Level: plugin.Info, Object: object.ID(), Origin: object.Origin, Field: string(at),
		Message: "nothing was filled in: " + reason,
		Hint:    "write the settings of the containers' securityContext yourself",
	}}
}
