package harden

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// pod is the Pod's spec of one object.
type pod struct {
	object plugin.Object
	id     plugin.ObjectID
	target target
	spec   map[string]any
	// security is the Pod's own securityContext.
	security map[string]any
	// containers are all of them, init and ephemeral ones too.
	containers []*container
	// way are the steps to the spec.
	way []any
}

func newPod(object plugin.Object, at target) *pod {
	p := &pod{object: object, id: object.ID(), target: at, spec: at.place.get(object.Fields), way: at.place.steps()}
	p.security, _ = p.spec["securityContext"].(map[string]any)
	for _, list := range []string{"initContainers", "containers", "ephemeralContainers"} {
		items, _ := p.spec[list].([]any)
		for i, item := range items {
			if fields, _ := item.(map[string]any); fields != nil {
				p.containers = append(p.containers, newContainer(p, fields, list, i))
			}
		}
	}
	for _, c := range p.containers { // ports are judged by those of all containers
		c.user, c.lowPort = c.findUser(), c.findLowPort()
	}
	return p
}

// container is one container of a Pod, of whichever list.
type container struct {
	pod   *pod
	list  string
	index int
	// way are the steps to the container, and at the same as a field path.
	way    []any
	at     string
	fields map[string]any
	// security is the container's securityContext.
	security map[string]any
	// image is what is known of the image; nil when nothing is.
	image *plugin.Image
	// user and lowPort are what several settings ask for.
	user    user
	lowPort int64
}

func newContainer(p *pod, fields map[string]any, list string, index int) *container {
	c := &container{
		pod: p, list: list, index: index, fields: fields,
		way: p.steps(list, index), at: string(p.target.place) + "." + list + "[" + strconv.Itoa(index) + "]",
	}
	c.security, _ = fields["securityContext"].(map[string]any)
	c.image = p.target.images.At(p.target.index, c.at+".image")
	return c
}

// readable reports whether what hardening reads and writes is what the API says
// it is; what is not is left to the judge, as the author wrote it.
func (c *container) readable() bool {
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
func secured(field string) func(*container) bool {
	return func(c *container) bool { return c.security[field] != nil || c.pod.security[field] != nil }
}

// config is the image's configuration; nil when it is not known.
func (c *container) config() *plugin.ImageConfig {
	if c.image == nil {
		return nil
	}
	return c.image.Config
}

// steps is the way to a field below the container.
func (c *container) steps(path ...any) []any { return append(slices.Clip(c.way), path...) }

// steps is the way to a field of the Pod's spec.
func (p *pod) steps(path ...any) []any { return append(slices.Clip(p.way), path...) }

func (p *pod) finding(of podSetting) subject {
	return subject{
		Finding: plugin.Finding{Level: plugin.Info, Object: p.id, Origin: p.object.Origin, Field: string(p.target.place) + "." + of.name},
		field:   of.name, rule: of.name, why: of.why, was: p.spec[of.name],
	}
}

func (c *container) finding(of setting) subject {
	finding := plugin.Finding{
		Level: plugin.Info, Object: c.pod.id, Origin: c.pod.object.Origin, Field: c.at + "." + of.field,
	}
	if c.image != nil {
		finding.Image, finding.Digest = c.image.Written, c.image.Digest
	}
	var was any = c.fields
	for _, name := range of.path {
		members, _ := was.(map[string]any)
		was = members[name]
	}
	field := strings.TrimPrefix(of.field, "securityContext.")
	return subject{Finding: finding, container: c, field: field, rule: of.name, why: of.why, was: was}
}

// plainName is a name that the API accepts; any other is quoted.
var plainName = regexp.MustCompile(`^[a-z0-9-]{1,63}$`)

// called is the container's name for messages; one without a name goes by its
// place.
func (c *container) called() string {
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
