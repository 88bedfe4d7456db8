package inplace_test

import (
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin/gate"
)

// TestMake_AddedObjectsOfOneName_EachHasAFile: two namespaces, each with a
// NetworkPolicy of the same name, and a third that comes later.
func TestMake_AddedObjectsOfOneName_EachHasAFile(t *testing.T) {
	const app = `apiVersion: v1
kind: Namespace
metadata: {name: NAMESPACE}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: NAMESPACE}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: registry.example.com/web:1
`
	files := map[string]string{}
	for _, namespaces := range [][]string{{"one", "two"}, {"one", "three", "two"}} {
		for _, namespace := range namespaces {
			if name := "app/" + namespace + ".yaml"; files[name] == "" {
				files[name] = strings.ReplaceAll(app, "NAMESPACE", namespace)
			}
		}
		s := newScene(t, gate.Harden{NetworkPolicies: gate.NetworkBoth}, files)
		if plan := s.write(t); len(plan.Left) > 0 {
			t.Fatalf("not written: %+v", plan.Left)
		}
		if plan := s.make(t); len(plan.Files)+len(plan.Left) > 0 {
			t.Errorf("a second run has something to do: %+v", plan)
		}
		files = s.files(t)
	}
	for name, namespace := range map[string]string{
		"networkpolicy-assay-default-deny.yaml": "one", "networkpolicy-two-assay-default-deny.yaml": "two", "networkpolicy-three-assay-default-deny.yaml": "three",
	} {
		if !strings.Contains(files["app/"+name], "namespace: "+namespace+"\n") {
			t.Errorf("%s is %q", name, files["app/"+name])
		}
	}
}
