package plugin

import (
	"encoding/base64"
	"slices"
	"testing"
)

func secretWith(name string, data, stringData map[string]any) Object {
	return Object{Fields: map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": name}, "data": data, "stringData": stringData}}
}

func TestMask_HidesTheValuesOfSecretsInEveryForm(t *testing.T) {
	clear := "correct horse\n"
	mask := NewMask([]string{"x1"}, []Object{
		secretWith("a", map[string]any{"token": base64.StdEncoding.EncodeToString([]byte(clear))}, map[string]any{"other": "battery", "user": "web", "port": "8080", "on": "True", "long": "123456"}),
		{Fields: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "data": map[string]any{"plain": "staple"}}},
	}, map[string]bool{"web": true})
	for text, want := range map[string]string{
		"say correct horse now": "say *** now",
		clear:                   "***",
		base64.StdEncoding.EncodeToString([]byte(clear)):     "***",
		base64.StdEncoding.EncodeToString([]byte("battery")): "***",
		"the battery":   "the ***",
		"staple":        "staple",
		"web on 8080":   "web on 8080",
		"true":          "true",
		"number 123456": "number ***",
		"hidden: x1":    "hidden: ***",
		"":              "",
	} {
		if got := mask.Hide(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if got := (Mask{}).Hide("text"); got != "text" {
		t.Errorf("got %q", got)
	}
}

func TestMask_LeavesAFindingThatItWasGivenAsItIs(t *testing.T) {
	mask := NewMask([]string{"hunter2"}, nil, nil)
	finding := Finding{Rule: "x/y", Message: "it is hunter2", Details: []string{"hunter2"}, Image: "hunter2/app"}
	if got := mask.Finding(finding); got.Message != "it is ***" || got.Details[0] != "***" || got.Image != "***/app" {
		t.Errorf("got %+v", got)
	}
	if finding.Message != "it is hunter2" || finding.Details[0] != "hunter2" {
		t.Errorf("it became %+v", finding)
	}
}

func TestSplitField_IsTheReverseOfJoinField(t *testing.T) {
	for text, want := range map[string][]string{
		"spec.containers[0].image":                {"spec", "containers", "[0]", "image"},
		`metadata.annotations["example.com/a.b"]`: {"metadata", "annotations", "example.com/a.b"},
		"spec[*].x[name=web]":                     {"spec", "[*]", "x", "[name=web]"},
	} {
		if got, err := SplitField(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "a..b", "a[", `a["b`, "a[x]"} {
		if got, err := SplitField(text); err == nil {
			t.Errorf("%q: got %q, want an error", text, got)
		}
	}
}
