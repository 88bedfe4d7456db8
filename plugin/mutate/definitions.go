package mutate

import (
	"encoding/json"
	"fmt"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
	"github.com/assay-gitops/assay/plugin/gate"
)

// customKind is one version of a custom resource, as its definition says.
type customKind struct {
	place      apiserver.Place
	structural *structuralschema.Structural
	// key tells two definitions of a kind apart.
	key string
}

// definitions are custom resources by kind.
type definitions map[schema.GroupVersionKind]customKind

// givenDefinitions are those of the gate's own CustomResourceDefinitions. The
// judge refuses broken ones when the gate is loaded.
func givenDefinitions(documents []gate.Document) definitions {
	given := definitions{}
	for _, document := range documents {
		if document.Kind == "CustomResourceDefinition" {
			given.add(document.JSON)
		}
	}
	return given
}

// renderedDefinitions are those of a rendering, which count where the gate has
// none: the cluster will have them.
func renderedDefinitions(objects []plugin.Object) definitions {
	rendered := definitions{}
	for _, object := range objects {
		if read := apiserver.ReadDefinition(object); !read.IsDefinition || read.Problem() != "" {
			continue
		}
		if encoded, err := json.Marshal(object.Fields); err == nil {
			rendered.add(encoded)
		}
	}
	return rendered
}

// add reads a definition's versions; the first definition of a kind counts, and
// what cannot be read is not known.
func (d definitions) add(encoded []byte) {
	var read apiextensionsv1.CustomResourceDefinition
	if err := json.Unmarshal(encoded, &read); err != nil {
		return
	}
	for _, version := range read.Spec.Versions {
		kind := schema.GroupVersionKind{Group: read.Spec.Group, Version: version.Name, Kind: read.Spec.Names.Kind}
		if _, twice := d[kind]; twice || !version.Served || version.Schema == nil || version.Schema.OpenAPIV3Schema == nil {
			continue
		}
		var props apiextensions.JSONSchemaProps
		if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(version.Schema.OpenAPIV3Schema, &props, nil); err != nil {
			continue
		}
		structural, err := structuralschema.NewStructural(&props)
		if err != nil || len(structuralschema.ValidateStructural(nil, structural)) > 0 {
			continue
		}
		d[kind] = customKind{
			place: apiserver.Place{
				Resource:   kind.GroupVersion().WithResource(read.Spec.Names.Plural),
				Namespaced: read.Spec.Scope == apiextensionsv1.NamespaceScoped,
			},
			structural: structural, key: kind.String() + "\x00" + string(encoded),
		}
	}
}

// convertersKept bounds [converters]; the API server's own kinds are fewer than
// a hundred.
const convertersKept = 256

// converters keep how values of kinds are merged: reading a schema costs
// milliseconds.
type converters struct {
	mutex sync.Mutex
	kept  map[string]managedfields.TypeConverter
}

func newConverters() *converters { return &converters{kept: map[string]managedfields.TypeConverter{}} }

// of is the converter of a kind; custom is nil for the API server's own kinds.
func (c *converters) of(kind schema.GroupVersionKind, custom *customKind) (managedfields.TypeConverter, error) {
	key := kind.String()
	if custom != nil {
		key = custom.key
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if known := c.kept[key]; known != nil {
		return known, nil
	}
	made, err := makeConverter(kind, custom)
	if err != nil {
		return nil, fmt.Errorf("preparing to merge %s: %w", kind.Kind, err)
	}
	if len(c.kept) >= convertersKept {
		c.kept = map[string]managedfields.TypeConverter{}
	}
	c.kept[key] = made
	return made, nil
}

func makeConverter(kind schema.GroupVersionKind, custom *customKind) (managedfields.TypeConverter, error) {
	if custom != nil {
		return apiserver.CustomConverter(kind, custom.structural)
	}
	return apiserver.BuiltinConverter(kind)
}
