package gate

import (
	"strings"
	"testing"
	"testing/fstest"
)

const regoGate = "apiVersion: assay.dev/v1alpha1\nkind: Gate\nmetadata: {name: base}\nspec:\n  base: true\n  judge:\n    rego: "

func TestRego_FilesThatAGateNamesMayLieBesideIt(t *testing.T) {
	for name, test := range map[string]struct{ rego, want string }{
		"the file":       {"{files: [policy/deny.rego], data: [policy/limits.yaml]}", ""},
		"its folder":     {"{files: [policy], data: [policy]}", ""},
		"another file":   {"{files: [policy/other.rego], data: [policy]}", ""},
		"no file":        {"{files: []}", "spec.judge.rego.files: is empty"},
		"data not named": {"{files: [policy/deny.rego]}", "the object has no apiVersion and kind"},
		"rego not named": {"{files: [other.rego], data: [policy/limits.yaml]}", "g/policy/deny.rego: reading the gate's configuration: no gate names this file of Rego"},
		"above":          {"{files: [../deny.rego], data: [policy]}", `"../deny.rego" leaves the gate's folder`},
		"absolute":       {"{files: [policy], data: [/etc/passwd]}", `"/etc/passwd" leaves the gate's folder`},
		"namespace":      {"{files: [policy], data: [policy], namespaces: [a/b]}", `"a/b" has the wrong form`},
		"unknown field":  {"{files: [policy], data: [policy], namespace: main}", `unknown field "namespace"`},
	} {
		t.Run(name, func(t *testing.T) {
			files := fstest.MapFS{
				"g/gate.yaml":          {Data: []byte(regoGate + test.rego + "\n")},
				"g/policy/deny.rego":   {Data: []byte("package main")},
				"g/policy/limits.yaml": {Data: []byte("most: 3\n")},
			}
			_, err := LoadFS(files, "g")
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v\nwant %s", err, test.want)
			}
		})
	}
}
