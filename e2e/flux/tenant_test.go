//go:build e2e

package flux_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/e2e/controlplane"
)

// tenant is the API under a service account that may do with the kinds of Flux
// and assay, in the test's namespace, whatever RBAC can say.
func (w *world) tenant() *controlplane.API {
	w.t.Helper()
	w.account("deployer", `
- {apiGroups: [source.toolkit.fluxcd.io, kustomize.toolkit.fluxcd.io, helm.toolkit.fluxcd.io, assay.dev], resources: ["*"], verbs: ["*"]}
- {apiGroups: [""], resources: [configmaps, secrets], verbs: ["*"]}`)
	token, err := w.Token(w.t.Context(), w.name, "deployer")
	must(w.t, err)
	api, err := w.As(token)
	must(w.t, err)
	return api
}

// account makes a service account with a Role's rules in the test's namespace.
func (w *world) account(name, rules string) {
	w.t.Helper()
	w.apply(fmt.Sprintf(`
apiVersion: v1
kind: ServiceAccount
metadata: {name: %[1]s, namespace: $namespace}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: %[1]s, namespace: $namespace}
rules: %[2]s
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: %[1]s, namespace: $namespace}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: %[1]s}
subjects: [{kind: ServiceAccount, name: %[1]s, namespace: $namespace}]
`, name, rules))
}

// refused fails unless an error has the words.
func refused(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("it should have been refused with %q", words)
		return
	}
	for _, each := range words {
		if !strings.Contains(err.Error(), each) {
			t.Errorf("it was refused without %q: %v", each, err)
		}
	}
}
