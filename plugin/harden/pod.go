package harden

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// pod is the Pod's spec of one object.
type pod struct {
	object plugin.Object
	target target
	spec   map[string]any
	// security is the Pod's own securityContext.
	security map[string]any
}

func newPod(object plugin.Object, at target) pod {
	spec := at.place.get(object.Fields)
	security, _ := spec["securityContext"].(map[string]any)
	return pod{object: object, target: at, spec: spec, security: security}
}

// container is one container of a Pod, of whichever list.
type container struct {
	pod    pod
	list   string
	index  int
	fields map[string]any
	// security is the container's securityContext.
	security map[string]any
	// image is what is known of the image; nil when nothing is.
	image *plugin.Image
}

// containers lists all containers, init and ephemeral ones too.
func (p pod) containers() []container {
	var all []container
	for _, list := range []string{"initContainers", "containers", "ephemeralContainers"} {
		items, _ := p.spec[list].([]any)
		for i, item := range items {
			fields, _ := item.(map[string]any)
			if fields == nil {
				continue
			}
			each := container{pod: p, list: list, index: i, fields: fields}
			each.security, _ = fields["securityContext"].(map[string]any)
			each.image = p.target.images.At(p.target.index, each.path("image"))
			all = append(all, each)
		}
	}
	return all
}

// path is a field path below the container.
func (c container) path(field string) string {
	return fmt.Sprintf("%s.%s[%d].%s", c.pod.target.place.path, c.list, c.index, field)
}

// readable reports whether what hardening reads and writes is what the API says
// it is; what is not is left to the judge, as the author wrote it.
func (c container) readable() bool {
	return isAbsentOr[map[string]any](c.fields["securityContext"]) && isAbsentOr[map[string]any](c.pod.spec["securityContext"]) &&
		isAbsentOr[[]any](c.fields["volumeMounts"]) && isAbsentOr[[]any](c.pod.spec["volumes"]) &&
		readableAmounts(c.fields) && readableAmounts(c.pod.spec)
}

// readableAmounts reports whether requests and limits can be read.
func readableAmounts(holder map[string]any) bool {
	resources, _ := holder["resources"].(map[string]any)
	return isAbsentOr[map[string]any](holder["resources"]) &&
		isAbsentOr[map[string]any](resources["requests"]) && isAbsentOr[map[string]any](resources["limits"])
}

func isAbsentOr[T any](value any) bool {
	_, is := value.(T)
	return is || value == nil
}

// secured reports whether the author wrote a field of the securityContext, here
// or at the Pod.
func secured(field string) func(container) bool {
	return func(c container) bool { return c.security[field] != nil || c.pod.security[field] != nil }
}

// config is the image's configuration; nil when it is not known.
func (c container) config() *plugin.ImageConfig {
	if c.image == nil {
		return nil
	}
	return c.image.Config
}

// steps is the way to a field below the container.
func (c container) steps(path ...string) []any {
	steps := append(c.pod.steps(c.list), c.index)
	for _, name := range path {
		steps = append(steps, name)
	}
	return steps
}

// steps is the way to a field of the Pod's spec.
func (p pod) steps(path ...string) []any {
	var steps []any
	for _, name := range append(slices.Clone(p.target.place.steps), path...) {
		steps = append(steps, name)
	}
	return steps
}

func (p pod) finding(of podSetting) subject {
	return subject{
		Finding: plugin.Finding{Level: plugin.Info, Object: p.object.ID(), Origin: p.object.Origin, Field: p.target.place.path + "." + of.name},
		field:   of.name, rule: of.name, why: of.why, was: p.spec[of.name],
	}
}

func (c container) finding(of setting) subject {
	finding := plugin.Finding{
		Level: plugin.Info, Object: c.pod.object.ID(), Origin: c.pod.object.Origin, Field: c.path(strings.Join(of.path, ".")),
	}
	if c.image != nil {
		finding.Image, finding.Digest = c.image.Written, c.image.Digest
	}
	var was any = c.fields
	for _, name := range of.path {
		members, _ := was.(map[string]any)
		was = members[name]
	}
	field := strings.TrimPrefix(strings.Join(of.path, "."), "securityContext.")
	return subject{Finding: finding, called: c.called(), field: field, rule: of.name, why: of.why, was: was}
}

// plainName is a name that the API accepts; any other is quoted.
var plainName = regexp.MustCompile(`^[a-z0-9-]{1,63}$`)

// called is the container's name for messages; one without a name goes by its
// place.
func (c container) called() string {
	kind := map[string]string{"initContainers": "init container", "ephemeralContainers": "ephemeral container"}[c.list]
	kind = cmp.Or(kind, "container")
	switch name, _ := c.fields["name"].(string); {
	case name == "":
		return fmt.Sprintf("%s %d", kind, c.index)
	case plainName.MatchString(name):
		return kind + " " + name
	default:
		return fmt.Sprintf("%s %.63q", kind, name)
	}
}
