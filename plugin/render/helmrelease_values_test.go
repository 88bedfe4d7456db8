package render

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/chartutil"
	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/assay-gitops/assay/plugin"
)

// valuesCluster answers Flux's own reader with the references' data. Each has
// an object of its own.
type valuesCluster struct {
	client.Client

	references map[string]ValuesReference
}

// Get implements client.Reader.
func (c valuesCluster) Get(_ context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	reference, known := c.references[key.Name]
	if !known || !reference.Found {
		return apierrors.NewNotFound(schema.GroupResource{Resource: "things"}, key.Name)
	}
	switch into := into.(type) {
	case *corev1.ConfigMap:
		into.Data = map[string]string{reference.Key: string(reference.Data)}
	case *corev1.Secret:
		into.Data = map[string][]byte{reference.Key: reference.Data}
	}
	return nil
}

// fluxValues asks fluxcd/pkg/chartutil.
func fluxValues(t *testing.T, inline string, references []ValuesReference) (map[string]any, error) {
	t.Helper()
	cluster := valuesCluster{references: map[string]ValuesReference{}}
	var refs []meta.ValuesReference
	for i, reference := range references {
		name := fmt.Sprint(i)
		if reference.Key == "" {
			reference.Key = "values.yaml"
		}
		cluster.references[name] = reference
		refs = append(refs, meta.ValuesReference{
			Kind: reference.Kind, Name: name, ValuesKey: reference.Key, TargetPath: reference.TargetPath, Literal: reference.Literal, Optional: reference.Optional,
		})
	}
	return chartutil.ChartValuesFromReferences(t.Context(), logr.Discard(), cluster, "prod", inlineValues(t, inline), refs...)
}

func inlineValues(t *testing.T, text string) map[string]any {
	t.Helper()
	values := map[string]any{}
	if err := json.Unmarshal([]byte(text), &values); err != nil {
		t.Fatal(err)
	}
	return values
}

func valuesFrom(data string) ValuesReference {
	return ValuesReference{Kind: "ConfigMap", Found: true, Data: []byte(data)}
}

func valueAtPath(path, data string) ValuesReference {
	reference := valuesFrom(data)
	reference.Kind, reference.TargetPath = "Secret", path
	return reference
}

func literalAt(path, data string) ValuesReference {
	reference := valueAtPath(path, data)
	reference.Literal = true
	return reference
}

func TestReleaseValues_AreWhatFluxMakesOfThem(t *testing.T) {
	missing := ValuesReference{Kind: "Secret", Optional: true}
	for _, test := range []struct {
		inline     string
		references []ValuesReference
	}{
		{`{}`, nil},
		{`{"a": 1, "b": {"c": 2}}`, nil},
		{`{"b": {"c": 2}}`, []ValuesReference{valuesFrom("b: {c: 1, d: 4}\nport: 1000000\n"), valuesFrom("b: {d: 5, e: null}")}},
		{`{"b": "flat"}`, []ValuesReference{valuesFrom("b: {c: 1}")}},
		{`{"b": {"c": 2}}`, []ValuesReference{valuesFrom("b: flat")}},
		{`{"a": 1}`, []ValuesReference{missing, valuesFrom("")}},
		{`{"a": "inline"}`, []ValuesReference{valueAtPath("a", "path")}},
		{`{"a": "inline"}`, []ValuesReference{valueAtPath("a", "path"), valuesFrom("a: file")}},
		{`{"a": {"b": 1}}`, []ValuesReference{valueAtPath("a.c", "1000000"), valueAtPath("a.d", "'1000000'"), valueAtPath("a.e", `"x y"`), valueAtPath("a.f", "true")}},
		{`{}`, []ValuesReference{valueAtPath("a[1].b", "x"), valueAtPath(`n.x\.y/z`, "1"), valueAtPath("l", "{a,b}"), valueAtPath("m", "1,n=2"), valueAtPath("z", "null")}},
		{`{}`, []ValuesReference{literalAt("a", "{a,b}[0]=\\x\nline"), literalAt("b.c", "1000000"), literalAt(`c\.d`, "'q'")}},
		{`{}`, []ValuesReference{valueAtPath("a", "'"), valueAtPath("b", `"it's"`), valueAtPath("c", "")}},
	} {
		want, err := fluxValues(t, test.inline, test.references)
		if err != nil {
			t.Fatalf("%v: flux refuses: %v", test, err)
		}
		got, err := MergeReleaseValues(inlineValues(t, test.inline), test.references)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("inline %s:\n got %#v, %v\nflux %#v", test.inline, got, err, want)
		}
	}
}

func TestReleaseValues_WhatFluxRefusesIsRefused(t *testing.T) {
	broken := valuesFrom("a: [")
	secret := broken
	secret.Kind, secret.Data = "Secret", []byte("password: [hunter2")
	path := valueAtPath("a", `"x,hunter2"`)
	other := valuesFrom("a: 1")
	other.Kind = "Pod"
	for _, reference := range []ValuesReference{{Kind: "ConfigMap", Name: "x"}, broken, secret, path, other} {
		if _, err := fluxValues(t, `{}`, []ValuesReference{reference}); err == nil {
			t.Errorf("flux takes %+v", reference)
		}
		_, err := MergeReleaseValues(map[string]any{}, []ValuesReference{reference})
		refusal := refused(t, err, ruleMissing, "values from key values.yaml")
		if strings.Contains(refusal.Error(), "hunter2") {
			t.Errorf("a Secret is repeated: %v", refusal)
		}
	}
	_, err := MergeReleaseValues(map[string]any{}, []ValuesReference{{Kind: "ConfigMap", Name: "x", Key: "k"}})
	refused(t, err, ruleMissing, "key k of ConfigMap x: it is not there")
	if _, err := MergeReleaseValues(nil, []ValuesReference{{Kind: "ConfigMap", Optional: true}}); err != nil {
		t.Errorf("an optional reference is demanded: %v", err)
	}
}

// TestReleaseValues_NumbersPrintAsInFlux: a number of a values file is a float
// to Flux, one that --set reads is not, and templates tell them apart.
func TestReleaseValues_NumbersPrintAsInFlux(t *testing.T) {
	files := map[string]string{"Chart.yaml": goodChart, "templates/a.yaml": goodConfigMap + "data: {file: {{ quote .Values.file }}, set: {{ quote .Values.set }}}\n"}
	values, err := MergeReleaseValues(map[string]any{}, []ValuesReference{valuesFrom("file: 1000000"), valueAtPath("set", "1000000")})
	check(t, err)
	source := plugin.Source{Root: writeTree(t, files), Path: "."}
	source.Parameters.Helm.ReleaseValues, err = EncodeReleaseValues(values)
	check(t, err)
	if got := fmt.Sprint(mustRender(t, source).Objects[0].Fields["data"]); got != "map[file:1e+06 set:1000000]" {
		t.Errorf("got %s", got)
	}
}
