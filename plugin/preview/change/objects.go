package change

import (
	"slices"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/report"
)

// objects compares every pair. What is on both sides is written first while
// there is room for it; what is beyond the limits is counted.
func (c *comparison) objects(app *Application) {
	names := c.generatedNames()
	var objects []Object
	for _, both := range []bool{true, false} {
		for _, pair := range c.pairs {
			if pair.alone() == both {
				continue
			}
			object, cut, differs := c.object(pair, names)
			if !differs {
				continue
			}
			if object.Rolls {
				app.Rollouts = append(app.Rollouts, plainID(object.ID))
			}
			if c.spent.objects++; c.spent.objects > c.limits.DiffObjects {
				app.Omitted++
				app.Beyond.add(object.Status)
				continue
			}
			app.Omitted += cut
			objects = append(objects, object)
		}
	}
	slices.SortStableFunc(objects, func(a, b Object) int { return compareIDs(a.ID, b.ID) })
	slices.SortFunc(app.Rollouts, compareIDs)
	for i := range objects {
		objects[i].ID, objects[i].Origin = plainID(objects[i].ID), plainOrigin(objects[i].Origin)
		if was := objects[i].WasID; was != nil {
			*was = plainID(*was)
		}
	}
	app.Objects = objects
}

// plainID is an identity without control characters.
func plainID(id plugin.ObjectID) plugin.ObjectID {
	return plugin.ObjectID{
		APIVersion: plugin.PlainText(id.APIVersion), Kind: plugin.PlainText(id.Kind),
		Namespace: plugin.PlainText(id.Namespace), Name: plugin.PlainText(id.Name),
	}
}

func plainOrigin(origin plugin.Origin) plugin.Origin {
	return plugin.Origin{File: plugin.PlainText(origin.File), Line: origin.Line}
}

// generatedNames are the new names of objects whose names are generated, by the
// old ones.
func (c *comparison) generatedNames() map[string]string {
	names := map[string]string{}
	for _, pair := range c.pairs {
		if !pair.alone() && pair.was.id.Name != pair.now.id.Name {
			names[pair.was.id.Name] = pair.now.id.Name
		}
	}
	return names
}

// object is what differs in one pair, and how many of its fields are left out.
func (c *comparison) object(p pair, names map[string]string) (object Object, omitted int, differs bool) {
	object = Object{ID: p.id(), Status: Changed}
	was, now := any(absent{}), any(absent{})
	if p.was != nil {
		was, object.Origin = p.was.fields, p.was.origin
	}
	if p.now != nil {
		now, object.Origin = p.now.fields, p.now.origin
	}
	authored := p.authored()
	inTemplate, more := false, false
	walker{func(d difference) {
		differs = true
		if p.alone() && isID(d.path) {
			return
		}
		inTemplate = inTemplate || isTemplate(object.ID, d.path)
		noise := c.noise(p.id(), d, names)
		more = more || noise != noiseName
		if c.spent.objects >= c.limits.DiffObjects || c.spent.fields >= c.limits.DiffFields || c.spent.bytes >= c.limits.DiffBytes {
			omitted++
			return
		}
		field := c.field(d)
		field.Noise, field.Injected = noise, !authored[pathOf(d.path)]
		if noise != "" {
			object.Folded++
		}
		object.Fields = append(object.Fields, field)
		c.spend(field)
	}}.walk(nil, was, now, false)
	switch {
	case p.was == nil:
		object.Status = Added
	case p.now == nil:
		object.Status = Removed
	default:
		if p.was.id.Name != p.now.id.Name {
			id := p.was.id
			object.WasID = &id
			if !more {
				object.Status = Renamed
			}
		}
		if inTemplate {
			object.Effect = effectOn(p)
			object.Rolls = object.Effect == report.Rolls
		}
	}
	return object, omitted, differs
}

func (c *comparison) spend(field Field) {
	c.spent.fields++
	size := len(field.Path) + len(field.Was) + len(field.Now)
	for _, line := range field.Lines {
		size += len(line)
	}
	c.spent.bytes += int64(size)
}

func (c *comparison) field(d difference) Field {
	field := Field{Path: c.display.path(d.path), Status: Changed}
	switch {
	case d.was == absent{}:
		field.Status = Added
	case d.now == absent{}:
		field.Status = Removed
	}
	d.secret = d.secret || noiseOf(d) == noiseChecksum // of a Secret it is as good as a short password in it
	c.display.fill(&field, d)
	return field
}

// noise says why a field is folded.
func (c *comparison) noise(id plugin.ObjectID, d difference, names map[string]string) string {
	for _, pattern := range c.Options.Ignore {
		if pattern.ignores(id, d.path) {
			return noiseIgnored
		}
	}
	was, _ := d.was.(string)
	if now, generated := names[was]; generated && d.now == now {
		return noiseName
	}
	return noiseOf(d)
}

// authored are the paths that differ in what the author's source renders.
func (p pair) authored() map[string]bool {
	was, now := any(absent{}), any(absent{})
	if p.was != nil && p.was.authored != nil {
		was = p.was.authored
	}
	if p.now != nil && p.now.authored != nil {
		now = p.now.authored
	}
	paths := map[string]bool{}
	walker{func(d difference) { paths[pathOf(d.path)] = true }}.walk(nil, was, now, false)
	return paths
}

// isTemplate reports whether a field is one of a Pod's template.
func isTemplate(id plugin.ObjectID, path []step) bool {
	at := func(i int, text string) bool { return i < len(path) && path[i].text == text }
	switch id.Kind {
	case "Pod":
		return at(0, "spec")
	case "PodTemplate":
		return at(0, "template")
	case "CronJob":
		return at(0, "spec") && at(1, "jobTemplate")
	case "CronWorkflow":
		return at(0, "spec") && at(1, "workflowSpec")
	}
	return at(0, "spec") && at(1, "template")
}

// effectOn is what the changed template does to the running workload.
func effectOn(p pair) report.Effect {
	effect := report.EffectOn(p.now.id)
	if _, pods := plugin.FieldValue(p.now.fields, "spec.template.spec.containers"); effect == report.ByController && !pods {
		return "" // a template of something else
	}
	replicas, _ := plugin.FieldValue(p.was.fields, "spec.replicas")
	strategy, _ := plugin.FieldValue(p.now.fields, "spec.updateStrategy.type")
	if effect == report.Rolls && (replicas == int64(0) || strategy == "OnDelete") {
		return report.NewPods
	}
	return effect
}

// alone reports whether one side alone has the object.
func (p pair) alone() bool { return p.was == nil || p.now == nil }

// isID reports whether a field is a part of the object's identity.
func isID(path []step) bool {
	text := pathOf(path)
	return text == "apiVersion" || text == "kind" || text == "metadata.name" || text == "metadata.namespace"
}

// headOf is the identity on the head of an object of the base.
func (c *comparison) headOf() map[identity]identity {
	ids := map[identity]identity{}
	for _, pair := range c.pairs {
		if !pair.alone() {
			ids[identityOf(pair.was.id)] = identityOf(pair.now.id)
		}
	}
	return ids
}
