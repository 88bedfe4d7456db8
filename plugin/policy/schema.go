package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
	"github.com/assay-gitops/assay/plugin/gate"
)

// schemaMost bounds what is said about one object: an object with more wrong
// fields than these is wrong as a whole.
const schemaMost = 50

// schemas judges whether the API server would take the objects: its own kinds
// by the OpenAPI documents that Kubernetes publishes, custom resources by the
// CustomResourceDefinitions that the gate holds, else by those of the
// rendering. What typed decoding says already ([view]) is not said twice.
type schemas struct {
	// given are the gate's own definitions, which win over rendered ones.
	given map[schema.GroupKind]*customDefinition
	// known keeps what rendered definitions were compiled to.
	known *definitionCache
	// unknown is what is said of a kind that no schema knows.
	unknown plugin.Level
}

// newSchemas reads the gate's definitions. One that is broken is an error, as
// everything else that is wrong with a gate.
func newSchemas(documents []gate.Document, levels map[string]ruleLevel) (*schemas, error) {
	given, err := givenDefinitions(documents)
	if err != nil {
		return nil, err
	}
	engine := &schemas{given: given, known: &definitionCache{}, unknown: plugin.Info}
	if level := levels[ruleUnknownKind]; level == levelDeny || level == levelWarn {
		engine.unknown = plugin.Warn // which the gate's level raises where it denies
	}
	return engine, nil
}

// judge implements engine. What the schemas say follows from the bytes and the
// gate's definitions alone, as what decoding says does, so the view keeps it.
func (s *schemas) judge(ctx context.Context, v *view) []plugin.Finding {
	return v.schemas.of(ctx, func() []plugin.Finding { return s.compare(ctx, v) })
}

// compare asks the schemas about every object.
func (s *schemas) compare(ctx context.Context, v *view) []plugin.Finding {
	run := schemaRun{schemas: s, rendered: s.renderedDefinitions(ctx, v.sealed.Objects), unreadable: map[plugin.ObjectID]bool{}}
	told := map[string]bool{}
	for _, finding := range v.findings {
		if finding.Rule == ruleInvalidObject {
			told[tellingKey(finding)], run.unreadable[finding.Object] = true, true
		}
	}
	parts := make([][]plugin.Finding, len(v.sealed.Objects))
	sideBySide(len(parts), func(i int) {
		if ctx.Err() == nil {
			parts[i] = run.object(ctx, i, v.sealed.Objects[i])
		}
	})
	var findings []plugin.Finding
	unknown := map[string]bool{}
	for _, finding := range slices.Concat(parts...) {
		if finding.Rule == ruleUnknownKind { // once for a kind
			kind := finding.Object.APIVersion + " " + finding.Object.Kind
			if unknown[kind] {
				continue
			}
			unknown[kind] = true
		}
		if !told[tellingKey(finding)] {
			findings = append(findings, finding)
		}
	}
	return findings
}

// tellingKey is the place that a finding is about.
func tellingKey(finding plugin.Finding) string {
	return fmt.Sprintf("%v %s", finding.Object, finding.Field)
}

// schemaRun is one rendering before the schemas.
type schemaRun struct {
	*schemas
	rendered renderedDefinitions
	// unreadable are the objects that the API's own types do not hold.
	unreadable map[plugin.ObjectID]bool
}

// object judges one object by the first schema that knows its kind.
func (r schemaRun) object(ctx context.Context, index int, object plugin.Object) []plugin.Finding {
	id := object.ID()
	kind := schema.FromAPIVersionAndKind(id.APIVersion, id.Kind)
	said := &saying{id: id, origin: object.Origin}
	served(said, kind)
	definition := r.rendered.byIndex[index]
	name := apiserver.BuiltinSchemas().Kind(kind)
	custom := r.given[kind.GroupKind()]
	if custom == nil {
		custom = r.rendered.byKind[kind.GroupKind()]
	}
	switch {
	case said.removed:
	case definition != nil:
		definition.tell(said)
	case name != "":
		typed := scheme.Scheme.Recognizes(kind) && !r.unreadable[id]
		schemaWalk{schemas: apiserver.BuiltinSchemas(), said: said, typed: typed}.object(name, withoutSOPS(kind, object.Fields))
	case custom != nil:
		custom.judge(ctx, said, kind.Version, object)
	case !scheme.Scheme.Recognizes(kind):
		r.unknownKind(said, kind)
	}
	return said.findings
}

func (s *schemas) unknownKind(said *saying, kind schema.GroupVersionKind) {
	level, message := s.unknown, fmt.Sprintf("no schema knows the kind %s of %s, so its fields were not checked", kind.Kind, kind.GroupVersion())
	hint := "render its CustomResourceDefinition with it, or add the definition to the gate"
	if apiserver.BuiltinGroup(kind.Group) {
		level, hint = plugin.Warn, "correct apiVersion and kind"
		message = fmt.Sprintf("Kubernetes %s has no kind %s in %s", apiserver.KubernetesVersion(), kind.Kind, kind.GroupVersion())
	}
	said.say(plugin.Finding{Rule: ruleUnknownKind, Level: level, Message: message, Hint: hint})
}

// saying collects what is said about one object.
type saying struct {
	id       plugin.ObjectID
	origin   plugin.Origin
	findings []plugin.Finding
	// removed is set when the API no longer serves the object's version.
	removed bool
}

func (s *saying) full() bool { return len(s.findings) > schemaMost }

// say adds a finding about the object; beyond [schemaMost] only that there is
// more.
func (s *saying) say(finding plugin.Finding) {
	if s.full() {
		return
	}
	finding.Object, finding.Origin = s.id, s.origin
	if len(s.findings) == schemaMost {
		finding.Rule, finding.Field, finding.Level = ruleValue, "", plugin.Deny
		finding.Message = fmt.Sprintf("the object has more than %d fields that the API server would not take", schemaMost)
	}
	if rule, known := findRule(schemaRules(), finding.Rule); known {
		finding.Why = rule.Why
		if finding.Hint == "" {
			finding.Hint = rule.Fix
		}
	}
	s.findings = append(s.findings, finding)
}

// wrong says that a value is not what the schema asks for.
func (s *saying) wrong(field, format string, args ...any) {
	s.say(plugin.Finding{Rule: ruleValue, Field: field, Message: oneLine(fmt.Sprintf(format, args...))})
}

func (s *saying) missing(field string) {
	s.say(plugin.Finding{Rule: ruleRequired, Field: field, Message: "the field is required"})
}

func (s *saying) unknownField(field string) {
	s.say(plugin.Finding{Rule: ruleUnknownField, Level: plugin.Warn, Message: fmt.Sprintf("unknown field %q", field)})
}

// messageMost bounds a message, in bytes: what it quotes may be of any length.
const messageMost = 600

// oneLine joins the lines of a text that somebody else wrote, and shortens it.
func oneLine(text string) string {
	if text = strings.Join(strings.Fields(text), " "); len(text) > messageMost {
		return strings.ToValidUTF8(text[:messageMost], "") + "..."
	}
	return text
}
