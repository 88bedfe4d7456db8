package harden

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"

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

// readable reports whether the security contexts are what the API says they
// are; what is not is left to the judge.
func (c container) readable() bool {
	_, containerOK := c.fields["securityContext"].(map[string]any)
	_, podOK := c.pod.spec["securityContext"].(map[string]any)
	return (containerOK || c.fields["securityContext"] == nil) && (podOK || c.pod.spec["securityContext"] == nil)
}

// isSet reports whether the author wrote the field, here or at the Pod. Of
// capabilities it is the drop list that counts, and additions that need more
// than the profile would leave.
func (c container) isSet(field string) bool {
	if field == "capabilities" {
		return !c.mayDropAll()
	}
	return c.security[field] != nil || c.pod.security[field] != nil
}

// config is the image's configuration; nil when it is not known.
func (c container) config() *plugin.ImageConfig {
	if c.image == nil {
		return nil
	}
	return c.image.Config
}

func (c container) finding(field string) plugin.Finding {
	finding := plugin.Finding{
		Level: plugin.Info, Object: c.pod.object.ID(), Origin: c.pod.object.Origin,
		Field: c.path("securityContext." + field),
	}
	if c.image != nil {
		finding.Image, finding.Digest = c.image.Written, c.image.Digest
	}
	return finding
}

func (c container) heldBack(field string, decided decision) plugin.Finding {
	finding := c.finding(field)
	finding.Rule, finding.Level = ruleHeldBack, decided.level
	finding.Message = c.called() + ": " + field + " was not filled in: " + decided.heldBack
	finding.Hint = decided.hint
	return finding
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

// changed says that a field is filled in.
func (c container) changed(of setting, value any) plugin.Finding {
	finding := c.finding(of.field)
	finding.Rule, finding.Why = rulePrefix+of.field, of.why
	finding.Was, finding.Now = compact(c.security[of.field]), compact(value)
	finding.Message = of.field + " filled in"
	finding.Hint = "write the field to decide it yourself"
	return finding
}

// compact is the value as compact JSON; an absent one is null.
func compact(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprintf("%q", fmt.Sprint(value)) // no JSON type fails to encode
	}
	return string(text)
}

// apply returns the object's fields with the values in place. Every map and
// list on the way is new.
func (p plan) apply(fields map[string]any) map[string]any {
	c := p.container
	security := maps.Clone(c.security)
	if security == nil {
		security = map[string]any{}
	}
	maps.Copy(security, p.values)
	var steps []any
	for _, step := range c.pod.target.place.steps {
		steps = append(steps, step)
	}
	replaced, _ := with(fields, append(steps, c.list, c.index, "securityContext"), security).(map[string]any)
	return replaced
}

func with(holder any, steps []any, value any) any {
	if len(steps) == 0 {
		return value
	}
	switch step := steps[0].(type) {
	case int:
		items, _ := holder.([]any)
		out := append([]any(nil), items...)
		out[step] = with(out[step], steps[1:], value)
		return out
	case string:
		members, _ := holder.(map[string]any)
		out := make(map[string]any, len(members)+1)
		maps.Copy(out, members)
		out[step] = with(out[step], steps[1:], value)
		return out
	}
	return holder
}
