//go:build e2e

package argosources_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin/render"
)

// TestSources_EveryFieldOfArgoCDIsKnown: its CustomResourceDefinition and
// assay's type name the same fields.
func TestSources_EveryFieldOfArgoCDIsKnown(t *testing.T) {
	command := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/argoproj/argo-cd/v3")
	command.Dir, command.Env = "../servers/argocd", append(os.Environ(), "GOWORK=off")
	module, err := command.Output()
	must(t, err)
	data, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(module)), "manifests/crds/application-crd.yaml"))
	must(t, err)
	var definition struct {
		Spec struct {
			Versions []struct {
				Schema struct{ OpenAPIV3Schema schema }
			}
		}
	}
	must(t, yaml.Unmarshal(data, &definition))
	spec := definition.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"]
	hydrator := spec.Properties["sourceHydrator"]
	for at, written := range map[string]schema{
		"source": spec.Properties["source"], "sources": *spec.Properties["sources"].Items, "drySource": hydrator.Properties["drySource"],
	} {
		fields := written.fields("")
		if len(fields) < 60 {
			t.Fatalf("%s has %d fields: it was not read", at, len(fields))
		}
		known := fieldsOf(reflect.TypeFor[render.ArgoSource](), "")
		for _, field := range fields {
			if !slices.Contains(known, field) {
				t.Errorf("%s.%s is not known", at, field)
			}
		}
		for _, field := range known {
			if !slices.Contains(fields, field) && at != "drySource" {
				t.Errorf("%s has no field %s", at, field)
			}
		}
	}
}

// schema is the part of a schema that names fields.
type schema struct {
	Properties map[string]schema `json:"properties"`
	Items      *schema           `json:"items"`
}

func (s schema) fields(at string) []string {
	if s.Items != nil {
		return s.Items.fields(at)
	}
	var all []string
	for name, property := range s.Properties {
		all = append(all, at+name)
		all = append(all, property.fields(at+name+".")...)
	}
	return all
}

// fieldsOf are the names in JSON of a type's fields.
func fieldsOf(kind reflect.Type, at string) []string {
	switch kind.Kind() {
	case reflect.Pointer, reflect.Slice:
		return fieldsOf(kind.Elem(), at)
	case reflect.Struct:
	default:
		return nil
	}
	if kind.PkgPath() == "k8s.io/apimachinery/pkg/util/intstr" {
		return nil
	}
	var all []string
	for i := range kind.NumField() {
		name, _, _ := strings.Cut(kind.Field(i).Tag.Get("json"), ",")
		all = append(all, at+name)
		all = append(all, fieldsOf(kind.Field(i).Type, at+name+".")...)
	}
	return all
}
