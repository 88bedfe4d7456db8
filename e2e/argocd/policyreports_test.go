//go:build e2e

package argocd_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assay-gitops/assay/e2e/controlplane"
	"github.com/assay-gitops/assay/e2e/origin"
)

// repoServer is the account of the component manifests/argocd/policy-reports.
const repoServer = "argocd-repo-server"

// inContainer runs a command where the token lies in the place that a Pod has
// it in, which nobody else sees.
const inContainer = `mount -t tmpfs tmpfs "$(readlink -f /var/run)" && mkdir -p /var/run/secrets/kubernetes.io &&
cp -r "$0" /var/run/secrets/kubernetes.io/serviceaccount && exec "$@"`

// warns is a policy that warns about a greeting.
const warns = `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: greeting}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [configmaps]}]
  validations: [{expression: "object.data.greeting != 'hello'", message: everybody says hello}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: greeting}
spec: {policyName: greeting, validationActions: [Warn]}
`

// reports has the sidecar write reports as an account, which is made.
func (w *world) reports(format, account string) {
	w.t.Helper()
	for _, name := range []string{"wgpolicyk8s.io_policyreports", "openreports.io_reports"} {
		definition, err := os.ReadFile(filepath.Join("../../plugin/report/testdata/schemas", name+".yaml"))
		must(w.t, err)
		must(w.t, w.Apply(w.t.Context(), string(definition)))
	}
	must(w.t, controlplane.Until(w.slowly(), func(ctx context.Context) error {
		_, err := w.List(ctx, reportKinds()[format], w.name)
		return err
	}))
	must(w.t, w.Apply(w.t.Context(), fmt.Sprintf("apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: %s, namespace: %s}\n", account, controlplane.Namespace)))
	token, err := w.Token(w.t.Context(), controlplane.Namespace, account)
	must(w.t, err)
	authority := w.Config.CAData
	if w.Config.Insecure {
		authority, err = os.ReadFile(filepath.Join(w.Dir, "pki", "apiserver", "apiserver.crt"))
		must(w.t, err)
	}
	folder := filepath.Join(w.dir, "account")
	must(w.t, os.MkdirAll(folder, 0o755))
	must(w.t, os.WriteFile(filepath.Join(folder, "token"), []byte(token), 0o600))
	must(w.t, os.WriteFile(filepath.Join(folder, "ca.crt"), authority, 0o600))
	server, err := url.Parse(w.Config.Host)
	must(w.t, err)
	host, port, err := net.SplitHostPort(server.Host)
	must(w.t, err)
	w.wrapped = []string{"unshare", "-m", "sh", "-c", inContainer, folder}
	w.flags, w.env = []string{"--policy-report", format}, []string{"KUBERNETES_SERVICE_HOST=" + host, "KUBERNETES_SERVICE_PORT=" + port}
	w.files["greeting.yaml"] = warns
}

// mayReport gives an account the rights that the component gives to its own.
func (w *world) mayReport(account string) {
	w.t.Helper()
	text, err := os.ReadFile("../../manifests/argocd/policy-reports/rbac.yaml")
	must(w.t, err)
	rights := string(text)
	if account != repoServer {
		rights = strings.NewReplacer("name: "+repoServer, "name: "+account, "name: assay-policy-reports", "name: "+account).Replace(rights)
	}
	must(w.t, w.Apply(w.t.Context(), rights))
}

func reportKinds() map[string]string {
	return map[string]string{"policyreport": "PolicyReport.v1alpha2.wgpolicyk8s.io", "openreports": "Report.v1alpha1.openreports.io"}
}

// reported waits until the report of an application has a verdict, and a result
// of the rule or, without one, none of the warning policy. The summary has to
// count what is there.
func (a application) reported(format, verdict, rule string) *unstructured.Unstructured {
	a.t.Helper()
	var found *unstructured.Unstructured
	err := controlplane.Until(a.slowly(), func(ctx context.Context) error {
		list, err := a.List(ctx, reportKinds()[format], a.project)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(list, func(o unstructured.Unstructured) bool { return strings.HasPrefix(o.GetName(), "assay-"+a.name+"-") })
		if at < 0 {
			return errors.New("there is none")
		}
		found = &list[at]
		if got := result(found, "verdict"); !strings.HasPrefix(got, verdict) {
			return fmt.Errorf("it says %s", got)
		}
		if got := result(found, cmp.Or(rule, "policy/greeting")); (got == "none") != (rule == "") {
			return fmt.Errorf("it says %s", got)
		}
		return nil
	})
	if err != nil {
		a.t.Fatalf("waiting for a report about %s that says %q and has %q: %v", a.name, verdict, rule, err)
	}
	counted, all := map[string]int64{}, entries(found, "results")
	for _, each := range all {
		counted[fmt.Sprint(each["result"])]++
	}
	summary, _, _ := unstructured.NestedMap(found.Object, "summary")
	for word, count := range summary {
		if count != counted[word] {
			a.t.Errorf("the summary says %v, the results are %v", summary, counted)
		}
	}
	if len(all) == 0 || len(summary) != 5 {
		a.t.Errorf("%d results, the summary is %v", len(all), summary)
	}
	return found
}

// The verdicts at the head of a report.
const (
	allowed = "pass assay: allowed: "
	denied  = "fail assay: denied: "
)

// result is a rule's result as "result policy: kind namespace/name: message".
func result(report *unstructured.Unstructured, rule string) string {
	for _, each := range entries(report, "results") {
		if each["rule"] != rule {
			continue
		}
		about := ""
		for _, object := range entries(&unstructured.Unstructured{Object: each}, "resources") {
			about += fmt.Sprintf("%v %v %v/%v: ", object["apiVersion"], object["kind"], object["namespace"], object["name"])
		}
		return fmt.Sprintf("%v %v: %s%v", each["result"], each["policy"], about, each["message"])
	}
	return "none"
}

func TestPolicyReports_TellVerdicts(t *testing.T) {
	for format := range reportKinds() {
		t.Run(format, func(t *testing.T) {
			w := newWorld(t)
			w.registry.PushSigned("team-a/app:1", "first")
			unsigned := w.registry.Push("team-a/app:2", "second")
			w.git.Commit(map[string]string{
				"app/config.yaml": origin.ConfigMap("web", "hello"), "app/web.yaml": origin.Deployment("web", w.registry.Image("team-a/app:1")),
				"bad/web.yaml": origin.Deployment("bad", w.registry.Image("team-a/app:2")),
			})
			w.reports(format, repoServer)
			w.mayReport(repoServer)
			w.serve()
			good, bad := w.app(), w.app()
			bad.name, bad.path = w.name[:20]+"-bad", "bad"
			good.create()
			bad.create()
			good.synced()
			report := good.reported(format, allowed, "policy/greeting")
			if got := result(report, "policy/greeting"); !strings.HasPrefix(got, "warn policy: v1 ConfigMap ") || !strings.HasSuffix(got, "/web: everybody says hello") {
				t.Errorf("the warning is %q", got)
			}
			report = bad.reported(format, denied, "image/not-signed")
			if got := result(report, "image/not-signed"); !strings.HasPrefix(got, "fail image: apps/v1 Deployment ") || !strings.Contains(got, "/bad: ") {
				t.Errorf("the denial is %q", got)
			}

			w.registry.Sign(unsigned)
			bad.refresh()
			bad.synced()
			bad.reported(format, allowed, "")
			w.git.Commit(map[string]string{"app/config.yaml": origin.ConfigMap("web", "good morning")})
			good.refresh()
			good.reported(format, allowed, "")
		})
	}
}

// TestPolicyReports_WithoutAccess_ChangeNoAnswer and the log tells it once, as
// long as nothing changes.
func TestPolicyReports_WithoutAccess_ChangeNoAnswer(t *testing.T) {
	const format = "policyreport"
	w := newWorld(t)
	digest := w.registry.PushSigned("team-a/app:1", "first")
	w.git.Commit(map[string]string{"app/config.yaml": origin.ConfigMap("web", "hello"), "app/web.yaml": origin.Deployment("web", w.registry.Image("team-a/app:1"))})
	w.reports(format, w.name)
	w.serve()
	a := w.app()
	a.create()
	a.synced()
	w.runs("web", digest.DigestStr())
	const refused = "a policy report could not be written"
	log := func() string { return w.sidecar.Tail(1_000) }
	must(t, controlplane.Until(w.slowly(), func(context.Context) error {
		if !strings.Contains(log(), refused) {
			return errors.New("the log says nothing")
		}
		return nil
	}))
	for range 2 {
		a.refresh()
		a.synced()
	}
	if list, err := w.List(t.Context(), reportKinds()[format], w.name); len(list) > 0 || err != nil {
		t.Errorf("%d reports without the right to write them: %v", len(list), err)
	}

	w.mayReport(w.name)
	must(t, controlplane.Until(w.slowly(), func(ctx context.Context) error {
		a.refresh()
		list, err := w.List(ctx, reportKinds()[format], w.name)
		if len(list) == 0 {
			return errors.Join(errors.New("there is no report"), err)
		}
		return nil
	}))
	a.reported(format, allowed, "policy/greeting")
	if told := strings.Count(log(), refused); told != 1 || !strings.Contains(log(), "403") || !strings.Contains(log(), "patch") {
		t.Errorf("the log tells it %d times: %s", told, log())
	}
	token, err := w.Token(t.Context(), controlplane.Namespace, w.name)
	must(t, err)
	account, err := w.As(token)
	must(t, err)
	if _, err := account.List(t.Context(), reportKinds()[format], w.name); !apierrors.IsForbidden(err) {
		t.Errorf("the account may read what it wrote: %v", err)
	}
}
