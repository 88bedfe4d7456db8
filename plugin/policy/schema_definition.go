package policy

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
	"github.com/assay-gitops/assay/plugin/gate"
)

// definitionsKept bounds [definitionCache].
const definitionsKept = 256

// customDefinition is a CustomResourceDefinition, read and checked.
type customDefinition struct {
	kind schema.GroupKind
	// plural and singular are the names of the resource.
	plural, singular string
	// versions are those that the API serves, by name.
	versions map[string]*customVersion
	// wrong is why the API server would refuse the definition.
	wrong []plugin.Finding
}

// tell says what is wrong with the definition itself.
func (d *customDefinition) tell(said *saying) {
	for _, finding := range d.wrong {
		said.say(finding)
	}
}

// definitionText is the part of a definition that schemas come from.
type definitionText struct {
	apiextensionsv1.CustomResourceDefinition
	digest [sha256.Size]byte
}

// readDefinitionText decodes strictly; what the API server would drop is in
// the second result.
func readDefinitionText(encoded []byte) (definitionText, []error, error) {
	text := definitionText{digest: sha256.Sum256(encoded)}
	var fields map[string]any
	if err := json.Unmarshal(encoded, &fields); err != nil {
		return text, nil, fmt.Errorf("reading a CustomResourceDefinition: %w", err)
	}
	err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(fields, &text.CustomResourceDefinition, true)
	if strict, is := runtime.AsStrictDecodingError(err); is {
		return text, strict.Errors(), nil
	}
	if err != nil {
		return text, nil, fmt.Errorf("reading a CustomResourceDefinition: %w", err)
	}
	return text, nil, nil
}

// newDefinition checks a definition and prepares its versions.
func newDefinition(ctx context.Context, encoded []byte) *customDefinition {
	definition := &customDefinition{versions: map[string]*customVersion{}}
	text, dropped, err := readDefinitionText(encoded)
	for _, each := range dropped {
		definition.wrong = append(definition.wrong, plugin.Finding{Rule: ruleUnknownField, Level: plugin.Warn, Message: oneLine(each.Error())})
	}
	if err != nil {
		definition.broken("", "it cannot be read: %v", err)
		return definition
	}
	definition.kind = schema.GroupKind{Group: text.Spec.Group, Kind: text.Spec.Names.Kind}
	definition.checkNames(text)
	apiextensionsv1.SetDefaults_CustomResourceDefinition(&text.CustomResourceDefinition)
	apiextensionsv1.SetDefaults_CustomResourceDefinitionSpec(&text.Spec)
	definition.plural, definition.singular = text.Spec.Names.Plural, text.Spec.Names.Singular
	for i := range text.Spec.Versions {
		definition.addVersion(ctx, fmt.Sprintf("spec.versions[%d]", i), &text.Spec.Versions[i])
	}
	return definition
}

func (d *customDefinition) broken(field, format string, args ...any) {
	d.wrong = append(d.wrong, plugin.Finding{Rule: ruleDefinition, Field: field, Message: "the API server would refuse the definition: " + oneLine(fmt.Sprintf(format, args...))})
}

// checkNames asks for what the API server does of names and versions
// (k8s.io/apiextensions-apiserver pkg/apis/apiextensions/validation). The
// definition's own name is self's business.
func (d *customDefinition) checkNames(text definitionText) {
	stored := 0
	var names []string
	for i, version := range text.Spec.Versions {
		if version.Storage {
			stored++
		}
		if slices.Contains(names, version.Name) {
			d.broken(fmt.Sprintf("spec.versions[%d].name", i), "version %q is there twice", version.Name)
		}
		names = append(names, version.Name)
	}
	switch {
	case len(text.Spec.Versions) == 0:
		d.broken("spec.versions", "it has no version")
	case stored != 1:
		d.broken("spec.versions", "exactly one version has to have storage: true, and %d have", stored)
	}
	if text.Spec.PreserveUnknownFields {
		d.broken("spec.preserveUnknownFields", "it must be false; x-kubernetes-preserve-unknown-fields in the schema says the same of one field")
	}
	if scope := text.Spec.Scope; scope != apiextensionsv1.ClusterScoped && scope != apiextensionsv1.NamespaceScoped {
		d.broken("spec.scope", "%q is neither Namespaced nor Cluster", scope)
	}
}

func (d *customDefinition) addVersion(ctx context.Context, path string, written *apiextensionsv1.CustomResourceDefinitionVersion) {
	path += ".schema.openAPIV3Schema"
	if written.Schema == nil || written.Schema.OpenAPIV3Schema == nil {
		d.broken(path, "a version needs a schema")
		return
	}
	var props apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(written.Schema.OpenAPIV3Schema, &props, nil); err != nil {
		d.broken(path, "%v", err)
		return
	}
	status := written.Subresources != nil && written.Subresources.Status != nil
	version, problems := newCustomVersion(ctx, path, &props)
	for _, problem := range problems {
		d.broken(problem.Field, "%s", problem.ErrorBody())
	}
	if version != nil && written.Served {
		version.resetsStatus = status
		d.versions[written.Name] = version
	}
}

// judge compares a custom resource with the schema of its version.
func (d *customDefinition) judge(ctx context.Context, said *saying, version string, object plugin.Object) {
	known := d.versions[version]
	switch {
	case known != nil:
		known.judge(ctx, said, object.Fields)
	case len(d.wrong) == 0:
		said.say(plugin.Finding{
			Rule: ruleRemovedAPI, Field: "apiVersion",
			Message: fmt.Sprintf("the definition of %s serves no version %q; it serves %s", d.kind, version, strings.Join(sortedKeys(d.versions), ", ")),
		})
	}
}

// renderedDefinitions are those of one rendering. A kind that two of them
// define is judged by the first.
type renderedDefinitions struct {
	byKind  map[schema.GroupKind]*customDefinition
	byIndex map[int]*customDefinition
}

func (s *schemas) renderedDefinitions(ctx context.Context, objects []plugin.Object) renderedDefinitions {
	found := renderedDefinitions{byKind: map[schema.GroupKind]*customDefinition{}, byIndex: map[int]*customDefinition{}}
	for i, object := range objects {
		if id := object.ID(); !apiserver.IsDefinition(id) || id.APIVersion != "apiextensions.k8s.io/v1" {
			continue
		}
		encoded, err := json.Marshal(object.Fields)
		if err != nil {
			continue // it was sealed as JSON
		}
		definition := s.known.of(ctx, encoded)
		found.byIndex[i] = definition
		if _, twice := found.byKind[definition.kind]; !twice && !apiserver.BuiltinGroup(definition.kind.Group) {
			found.byKind[definition.kind] = definition
		}
	}
	return found
}

// givenDefinitions reads the gate's own.
func givenDefinitions(documents []gate.Document) (map[schema.GroupKind]*customDefinition, error) {
	given := map[schema.GroupKind]*customDefinition{}
	var problems []error
	for _, document := range documents {
		if document.Kind != "CustomResourceDefinition" {
			continue
		}
		definition := newDefinition(context.Background(), document.JSON)
		for _, finding := range definition.wrong {
			problems = append(problems, apiserver.Refuse(document.At, "CustomResourceDefinition %q: %s: %s", document.Name, finding.Field, finding.Message))
		}
		if given[definition.kind] != nil {
			problems = append(problems, apiserver.Refuse(document.At, "CustomResourceDefinition %q: %s is defined twice", document.Name, definition.kind))
		}
		given[definition.kind] = definition
	}
	return given, errors.Join(problems...)
}

// definitionCache keeps what definitions were compiled to, by their text.
type definitionCache struct {
	mu   sync.Mutex
	kept map[[sha256.Size]byte]*customDefinition
}

func (c *definitionCache) of(ctx context.Context, encoded []byte) *customDefinition {
	key := sha256.Sum256(encoded)
	c.mu.Lock()
	known := c.kept[key]
	c.mu.Unlock()
	if known != nil {
		return known
	}
	made := newDefinition(ctx, encoded)
	if ctx.Err() != nil {
		return made // half of it may not have been checked
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil || len(c.kept) >= definitionsKept {
		c.kept = map[[sha256.Size]byte]*customDefinition{}
	}
	c.kept[key] = made
	return made
}
