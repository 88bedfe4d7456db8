//go:build e2e

// Package refresh_test runs `assay refresh` beside a real API server that has Argo
// CD's resources and none of its servers: what Argo CD would do about a wish, the
// tests do. e2e/argocd has the whole of it. `make e2e-refresh` builds the servers
// and runs it.
package refresh_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/e2e/controlplane"
)

// plane is what all tests share.
type plane struct {
	*controlplane.Cluster
	// assay is the program under test.
	assay string
	// audit is the API server's audit log of the refresher's patches.
	audit string
}

// shared is set by TestMain, which has no other way to hand it to the tests.
var shared *plane

// account is the refresher's, as manifests/argocd/refresh has it.
const account = "system:serviceaccount:argocd:assay-refresh"

func TestMain(m *testing.M) {
	os.Exit(controlplane.Main(m, func(ctx context.Context, dir string) (stop func(), err error) {
		policy := filepath.Join(dir, "audit.yaml")
		text := fmt.Sprintf("apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules: [{level: Metadata, users: [%q], verbs: [patch]}, {level: None}]\n", account)
		if err := os.WriteFile(policy, []byte(text), 0o600); err != nil {
			return nil, err
		}
		shared = &plane{audit: filepath.Join(dir, "audit.log")}
		if shared.assay, err = controlplane.Build(ctx, "cmd/assay", dir); err != nil {
			return nil, err
		}
		shared.Cluster, err = controlplane.Start(ctx, dir, "--audit-policy-file", policy, "--audit-log-path", shared.audit, "--audit-log-mode", "blocking")
		if shared.Cluster != nil {
			stop = shared.Stop
		}
		if err != nil {
			return stop, err
		}
		return stop, shared.install(ctx)
	}))
}

// install defines Argo CD's resources and installs what the refresher may do.
func (p *plane) install(ctx context.Context) error {
	if err := p.DefineArgoCD(ctx, controlplane.Newest); err != nil {
		return err
	}
	for _, name := range []string{"rbac.yaml", "admission.yaml"} {
		text, err := os.ReadFile(filepath.Join("../../manifests/argocd/refresh", name))
		if err != nil {
			return err
		}
		if err := p.Apply(ctx, string(text)); err != nil {
			return err
		}
	}
	return nil
}

const applications = "Application.v1alpha1.argoproj.io"

func named(name string) controlplane.Object {
	return controlplane.Object{Kind: applications, Namespace: controlplane.Namespace, Name: name}
}

// manifest is an Application under the plugin.
func manifest(name, project string) string {
	return fmt.Sprintf(`
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: %[1]s
  namespace: argocd
  annotations: {team: "%[2]s"}
  labels: {team: "%[2]s"}
  finalizers: [resources-finalizer.argocd.argoproj.io]
spec:
  project: %[2]s
  source: {repoURL: "https://git.example.com/%[1]s", path: prod, targetRevision: main, plugin: {name: assay}}
  destination: {server: "https://kubernetes.default.svc", namespace: %[1]s}
status: {sync: {status: Synced}}
`, name, project)
}

// patch is one line of the audit log.
type patch struct {
	name string
	at   time.Time
	code int
}

// patches are the refresher's patches of Applications since a moment, as the API
// server received them.
func (p *plane) patches(t *testing.T, since time.Time) []patch {
	t.Helper()
	file, err := os.Open(p.audit)
	must(t, err)
	defer file.Close()
	var found []patch
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var event struct {
			ObjectRef struct{ Resource, Name string }
			Received  time.Time          `json:"requestReceivedTimestamp"`
			Status    struct{ Code int } `json:"responseStatus"`
		}
		must(t, json.Unmarshal(lines.Bytes(), &event))
		if event.ObjectRef.Resource == "applications" && event.Received.After(since) {
			found = append(found, patch{event.ObjectRef.Name, event.Received, event.Status.Code})
		}
	}
	must(t, lines.Err())
	return found
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func words(text string) string { return strings.Join(strings.Fields(text), " ") }
