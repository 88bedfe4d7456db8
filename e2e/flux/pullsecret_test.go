//go:build e2e

package flux_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/assay-gitops/assay/e2e/origin"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

// TestPullSecret_IsUsedWhereTheGateListsIt has a registry that shows its images
// to one account, whose password is the tenant's. The gate lists first another
// part of it, then the tenant's.
func TestPullSecret_IsUsedWhereTheGateListsIt(t *testing.T) {
	w := newWorld(t)
	w.registry = origin.NewRegistry(t, "example", ociserver.Options{Token: &ociserver.TokenAuth{User: "team-a", Password: "throwaway"}})
	digest := w.registry.PushSigned("team-a/app:1", "first")
	w.account("reader", reader)
	w.pullSecret("team-a", "throwaway")
	w.gate(fmt.Sprintf("  tenantCredentials: [{host: %q, prefix: team-b/}]\n", w.registry.Host()))
	c := w.serve()
	commit := w.commit(w.web("team-a/app:1"))
	w.gatedSource(hourly, inFolder+"  serviceAccountName: reader\n  pullSecretRef: {name: pull}\n")
	w.condition(gatedSources, "app", "Ready=Unknown", "not allowed with this credential")
	c.process.Stop()

	w.gate(fmt.Sprintf("  tenantCredentials: [{host: %q, prefix: team-a/}]\n", w.registry.Host()))
	w.serve()
	w.deployed(commit)
	w.runs("web", digest.DigestStr())
}

// pullSecret makes a Secret with the registry's account, as kubectl does.
func (w *world) pullSecret(user, password string) {
	w.t.Helper()
	config, err := json.Marshal(map[string]any{"auths": map[string]any{w.registry.Host(): map[string]string{"username": user, "password": password}}})
	must(w.t, err)
	w.apply(fmt.Sprintf("apiVersion: v1\nkind: Secret\nmetadata: {name: pull, namespace: $namespace}\ntype: kubernetes.io/dockerconfigjson\nstringData: {.dockerconfigjson: %q}\n", config))
}

// TestPullSecret_ThatTheAccountMayNotRead_IsNotRead has a twin in its rights.
func TestPullSecret_ThatTheAccountMayNotRead_IsNotRead(t *testing.T) {
	w := newWorld(t)
	w.registry = origin.NewRegistry(t, "example", ociserver.Options{Token: &ociserver.TokenAuth{User: "team-a", Password: "throwaway"}})
	digest := w.registry.PushSigned("team-a/app:1", "first")
	w.account("reader", "[]")
	w.pullSecret("team-a", "throwaway")
	w.gate(fmt.Sprintf("  tenantCredentials: [{host: %q}]\n", w.registry.Host()))
	w.serve()
	commit := w.commit(w.web("team-a/app:1"))
	w.gatedSource("2s", inFolder+"  serviceAccountName: reader\n  pullSecretRef: {name: pull}\n")
	w.condition(gatedSources, "app", "Ready=False", "secrets \"pull\" is forbidden")
	w.account("reader", reader)
	w.deployed(commit)
	w.runs("web", digest.DigestStr())
}
