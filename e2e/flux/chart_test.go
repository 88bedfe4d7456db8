//go:build e2e

package flux_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assay-gitops/assay/e2e/controlplane"
	"github.com/assay-gitops/assay/e2e/origin"
)

const jobs = "Job.v1.batch"

// chart is a chart with a Deployment, a ConfigMap that tells the values and the
// release's revision, and a Job before each upgrade.
func (w *world) chart(version string) map[string]string {
	return map[string]string{
		"chart/Chart.yaml":            "apiVersion: v2\nname: web\nversion: " + version + "\n",
		"chart/values.yaml":           fmt.Sprintf("image: %s\ngreeting: hi\n", w.registry.Image("team-a/app")),
		"chart/templates/web.yaml":    origin.Deployment("web", "{{ .Values.image }}:{{ .Values.tag }}"),
		"chart/templates/config.yaml": origin.ConfigMap("web", "{{ .Values.greeting }} from {{ .Release.Name }}"),
		"chart/templates/job.yaml": `apiVersion: batch/v1
kind: Job
metadata:
  name: migrate
  annotations: {helm.sh/hook: pre-upgrade, helm.sh/hook-delete-policy: before-hook-creation}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      automountServiceAccountToken: false
      securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
      containers:
      - name: app
        image: {{ .Values.image }}:{{ .Values.tag }}
        securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
        resources: {limits: {cpu: "1", memory: 64Mi}, requests: {cpu: 100m, memory: 64Mi}}
`,
	}
}

// charted is a GatedSource's rest for the chart with a tag.
func charted(tag string) string {
	return fmt.Sprintf("  paths: [chart]\n  helm: {values: {tag: %q, greeting: hello}}\n", tag)
}

// TestFrozenChart_InstallsUpgradesRunsHooksAndRollsBack is the life of a release
// whose chart assay published. Nobody runs Jobs here, so the test ends them.
func TestFrozenChart_InstallsUpgradesRunsHooksAndRollsBack(t *testing.T) {
	w := newWorld(t)
	first := w.registry.PushSigned("team-a/app:1", "first")
	second := w.registry.PushSigned("team-a/app:2", "second")
	w.registry.PushSigned("team-a/app:3", "third")
	w.serve()
	w.installs(hourly, charted("1"), "")
	w.runs("web", first.DigestStr())
	if said := field(w.read(configMaps, "web"), "data", "greeting"); said != "hello from app" {
		t.Errorf("the ConfigMap says %q", said)
	}

	w.gatedSource(hourly, charted("2"))
	hook := w.hook("Complete", "SuccessCriteriaMet")
	w.condition(helmReleases, "app", "Ready=True", "UpgradeSucceeded")
	w.runs("web", second.DigestStr())
	if image := fmt.Sprint(entries(hook, "spec", "template", "spec", "containers")[0]["image"]); image != second.String() && image != w.registry.Image("team-a/app:2@"+second.DigestStr()) {
		t.Errorf("the hook ran %s", image)
	}

	w.gatedSource(hourly, charted("3"))
	w.hook("Failed", "FailureTarget")
	w.until(helmReleases, "app", func(object *unstructured.Unstructured) error {
		history := entries(object, "status", "history")
		if len(history) < 3 || history[0]["status"] != "deployed" || history[0]["version"] != int64(4) {
			return fmt.Errorf("it is not rolled back; its history is %v, its conditions are %v", history, entries(object, "status", "conditions"))
		}
		return nil
	})
	w.runs("web", second.DigestStr())
}

// installs publishes the chart by a GatedSource of that interval and rest, and
// waits until Flux has installed it by the HelmRelease with those values.
func (w *world) installs(interval, rest, values string) {
	w.t.Helper()
	commit := w.commit(w.chart("1.0.0"))
	w.gatedSource(interval, rest)
	w.published(commit)
	w.release(values)
	w.condition(helmReleases, "app", "Ready=True", "InstallSucceeded")
}

// release makes the HelmRelease app, which rolls back when an upgrade fails.
// Values are what a frozen chart has none of.
func (w *world) release(values string) {
	w.t.Helper()
	w.apply(fmt.Sprintf(`
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: app, namespace: $namespace}
spec:
  interval: 1h
  chartRef: {kind: ExternalArtifact, name: assay-app}
  install: {disableWait: true}
  upgrade: {disableWait: true, remediation: {retries: 0, remediateLastFailure: true, strategy: rollback}}
  rollback: {disableWait: true, disableHooks: true}
  %s
`, values))
}

// hook waits until the Job of a hook is there, and ends it.
func (w *world) hook(as, before string) *unstructured.Unstructured {
	w.t.Helper()
	job := w.until(jobs, "migrate", func(object *unstructured.Unstructured) error {
		if len(entries(object, "status", "conditions")) > 0 {
			return errors.New("it is the one before")
		}
		return nil
	})
	now := time.Now().UTC().Format(time.RFC3339)
	ended := `"failed":1`
	if as == "Complete" {
		ended = fmt.Sprintf(`"succeeded":1,"completionTime":%q`, now)
	}
	condition := func(name string) string {
		return fmt.Sprintf(`{"type":%q,"status":"True","reason":"Test","lastProbeTime":%q,"lastTransitionTime":%q}`, name, now, now)
	}
	must(w.t, controlplane.Until(w.slowly(), func(ctx context.Context) error {
		return w.Merge(ctx, w.object(jobs, "migrate"), fmt.Sprintf(`{"status":{"startTime":%q,%s,"conditions":[%s,%s]}}`, now, ended, condition(before), condition(as)), "status")
	}))
	return job
}

// TestFrozenChart_KnowsNoValues has a HelmRelease that tries to bring another
// image by its values, where no admission policy refuses it.
func TestFrozenChart_KnowsNoValues(t *testing.T) {
	w := newPlatform(t)
	digest := w.registry.PushSigned("team-a/app:1", "first")
	w.serve()
	w.installs(hourly, charted("1"), "values: {tag: \"2\", image: docker.io/library/evil}")
	w.runs("web", digest.DigestStr())
}

// TestChartWithAnUnsignedImage_KeepsTheRelease asks Flux to look at it again.
func TestChartWithAnUnsignedImage_KeepsTheRelease(t *testing.T) {
	w := newWorld(t)
	first := w.registry.PushSigned("team-a/app:1", "first")
	w.registry.Push("team-a/app:2", "second")
	w.serve()
	w.installs(hourly, charted("1"), "")
	w.gatedSource(hourly, charted("2"))
	w.denied("team-a/app:2")
	w.reconcile(helmReleases, "app")
	w.handled(helmReleases, "app")
	w.runs("web", first.DigestStr())
}

// TestValuesFrom_AreReadAndJudged has values in a Secret, which change.
func TestValuesFrom_AreReadAndJudged(t *testing.T) {
	w := newWorld(t)
	first := w.registry.PushSigned("team-a/app:1", "first")
	w.registry.Push("team-a/app:2", "second")
	w.account("reader", reader)
	values := func(tag string) {
		w.apply(fmt.Sprintf("apiVersion: v1\nkind: Secret\nmetadata: {name: values, namespace: $namespace}\nstringData: {values.yaml: 'tag: \"%s\"'}\n", tag))
	}
	values("1")
	w.serve()
	w.installs("2s", "  paths: [chart]\n  serviceAccountName: reader\n  helm: {valuesFrom: [{kind: Secret, name: values}]}\n", "")
	w.runs("web", first.DigestStr())
	values("2")
	w.denied("team-a/app:***") // the tag came from a Secret: no text shows it
}
