package v1alpha1_test

import (
	"os"
	"reflect"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin/flux/v1alpha1"
)

// TestDefinition_HasEveryField fails when a field of the Go types is not in
// the definition that is installed: `make generate` was forgotten.
func TestDefinition_HasEveryField(t *testing.T) {
	data, err := os.ReadFile("../../../manifests/flux/crd/assay.dev_gatedsources.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var definition apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(data, &definition); err != nil {
		t.Fatal(err)
	}
	if got, want := definition.Spec.Group+"/"+definition.Spec.Versions[0].Name, v1alpha1.GroupVersion().String(); got != want {
		t.Errorf("the definition is of %s, the Go types of %s", got, want)
	}
	if definition.Spec.Versions[0].Subresources.Status == nil {
		t.Error("status is no subresource: whoever writes a GatedSource would write what came of it")
	}
	checked := 0
	compare(t, "", definition.Spec.Versions[0].Schema.OpenAPIV3Schema, reflect.TypeFor[v1alpha1.GatedSource](), &checked)
	if checked < 60 {
		t.Errorf("only %d fields were compared", checked)
	}
}

// compare walks the structs of this package's own fields; what they hold of
// Flux's types is the generator's business.
func compare(t *testing.T, at string, schema *apiextensionsv1.JSONSchemaProps, of reflect.Type, checked *int) {
	t.Helper()
	for of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	if of.Kind() == reflect.Slice {
		if schema.Items != nil {
			compare(t, at+"[]", schema.Items.Schema, of.Elem(), checked)
		}
		return
	}
	if of.Kind() != reflect.Struct || strings.HasPrefix(of.PkgPath(), "k8s.io/") {
		return
	}
	for field := range of.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Anonymous && name == "" {
			compare(t, at, schema, field.Type, checked)
			continue
		}
		property, has := schema.Properties[name]
		if *checked++; !has {
			t.Errorf("%s.%s is not in the definition; run make generate", at, name)
			continue
		}
		compare(t, at+"."+name, &property, field.Type, checked)
	}
}
