package policy

import (
	"fmt"
	"maps"
	"slices"

	"github.com/assay-gitops/assay/plugin"
)

// partialPod is a Pod put together from what one place says of it.
type partialPod struct {
	path   string
	fields map[string]any
	around surroundings
	spec   map[string]any
	// containers and where each stands.
	containers []any
	paths      []string
	// judged are the members whose containers are among them.
	judged map[string]bool
}

func newPartialPod(path string, fields map[string]any, around surroundings) *partialPod {
	return &partialPod{path: path, fields: fields, around: around, spec: map[string]any{}, judged: map[string]bool{}}
}

// fill takes over what the place says, and reports whether that is anything. In
// a whole Pod's spec only what other kinds call a container is left to take.
func (p *partialPod) fill(whole bool) bool {
	if !p.around.patch {
		p.addDialect()
	}
	if whole {
		for _, list := range []string{"initContainers", "ephemeralContainers"} {
			p.judged[list] = true
		}
		return p.finish()
	}
	for _, list := range []string{"initContainers", "ephemeralContainers"} {
		if items := listAt(p.fields, list); len(items) > 0 && !p.around.patch {
			p.spec[list], p.judged[list] = items, true
		}
	}
	for _, field := range []string{"hostNetwork", "hostPID", "hostIPC"} {
		if p.fields[field] == true {
			p.spec[field] = true
		}
	}
	security := mapAt(p.fields, "securityContext")
	if len(p.containers) == 0 && !p.around.contained && asksForRights(security) {
		p.add(p.path, map[string]any{"securityContext": security})
	}
	return p.finish()
}

// finish adds what counts only beside something else.
func (p *partialPod) finish() bool {
	volumes := listAt(p.fields, "volumes")
	if len(p.spec) == 0 && len(p.containers) == 0 && !slices.ContainsFunc(volumes, isHostPath) {
		return false
	}
	p.spec["containers"] = p.containers
	if volumes != nil {
		p.spec["volumes"] = volumes
	}
	if security := mapAt(p.fields, "securityContext"); security != nil && !p.around.contained {
		p.spec["securityContext"] = security
	} else if p.around.security != nil {
		p.spec["securityContext"] = p.around.security
	}
	return true
}

func (p *partialPod) template() template {
	return template{path: p.path, spec: p.path, fields: map[string]any{"spec": p.spec}, containers: p.paths, partial: true}
}

func isHostPath(volume any) bool {
	fields, _ := volume.(map[string]any)
	return fields["hostPath"] != nil
}

// add takes over a container: what Pod Security reads of it.
func (p *partialPod) add(path string, container map[string]any) {
	taken := map[string]any{"name": fmt.Sprintf("container-%d", len(p.containers))}
	if name := stringAt(container, "name"); name != "" {
		taken["name"] = name
	}
	for _, field := range []string{"securityContext", "ports", "lifecycle", "livenessProbe", "readinessProbe", "startupProbe"} {
		if container[field] != nil {
			taken[field] = container[field]
		}
	}
	p.containers, p.paths = append(p.containers, taken), append(p.paths, path)
}

// addDialect takes over what only some groups call containers, as the search
// for images does: Tekton's steps and sidecars, the templates of Argo Workflows
// and Argo Events.
func (p *partialPod) addDialect() {
	var lists, singles []string
	if slices.Contains(p.around.groups, "tekton.dev") {
		lists = append(lists, "steps", "sidecars")
	}
	if slices.Contains(p.around.groups, "argoproj.io") {
		lists, singles = append(lists, "sidecars"), append(singles, "container", "script")
	}
	defaults := mapAt(mapAt(p.fields, "stepTemplate"), "securityContext")
	for _, list := range slices.Compact(lists) {
		for i, item := range listAt(p.fields, list) {
			container, ok := item.(map[string]any)
			if !ok {
				continue // a list of lists, such as the steps of a Workflow, is searched on its own
			}
			if list == "steps" && defaults != nil {
				container = withDefaults(container, defaults)
			}
			p.add(fmt.Sprintf("%s[%d]", plugin.JoinField(p.path, list), i), container)
			p.judged[list] = true
		}
	}
	for _, single := range singles {
		if container := mapAt(p.fields, single); container != nil {
			p.add(plugin.JoinField(p.path, single), container)
			p.judged[single] = true
		}
	}
}

// withDefaults is a step with its Task's stepTemplate
// (https://tekton.dev/docs/pipelines/tasks/#specifying-a-step-template).
func withDefaults(step, defaults map[string]any) map[string]any {
	merged, security := maps.Clone(step), maps.Clone(defaults)
	maps.Copy(security, mapAt(step, "securityContext"))
	merged["securityContext"] = security
	return merged
}

// asksForRights reports whether a security context, of a Pod or of a container,
// asks for more than it would get without it.
func asksForRights(security map[string]any) bool {
	for field, harmless := range map[string]any{"privileged": false, "allowPrivilegeEscalation": false, "runAsNonRoot": true, "procMount": "Default"} {
		if value := security[field]; value != nil && value != harmless {
			return true
		}
	}
	added := listAt(mapAt(security, "capabilities"), "add")
	host := mapAt(security, "windowsOptions")["hostProcess"]
	labels := mapAt(security, "seLinuxOptions")
	return len(added) > 0 || len(listAt(security, "sysctls")) > 0 || host != nil && host != false ||
		labels["type"] != nil || labels["user"] != nil || labels["role"] != nil ||
		stringAt(mapAt(security, "seccompProfile"), "type") == "Unconfined" || stringAt(mapAt(security, "appArmorProfile"), "type") == "Unconfined" ||
		isZero(security["runAsUser"])
}

// isZero reports whether a decoded number is 0.
func isZero(number any) bool {
	return number == int64(0) || number == float64(0)
}
