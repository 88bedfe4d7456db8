package report_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/report"
)

func namedID(apiVersion, kind, name string) plugin.ObjectID {
	return plugin.ObjectID{APIVersion: apiVersion, Kind: kind, Name: name}
}

func filledIn(id plugin.ObjectID, field string) plugin.Finding {
	return plugin.Finding{Rule: "harden/capabilities", Level: plugin.Info, Object: id, Field: field, Was: "null", Now: `{"drop":["ALL"]}`}
}

// TestRollouts_NameTheWorkloadsWhoseTemplateTheGateChanges, and no others.
func TestRollouts_NameTheWorkloadsWhoseTemplateTheGateChanges(t *testing.T) {
	const container = "spec.template.spec.containers[0].securityContext.capabilities"
	app := func(name string) plugin.ObjectID { return namedID("apps/v1", "Deployment", name) }
	use := func(name string) []plugin.Use { return []plugin.Use{{ID: app(name)}} }
	v := &plugin.Verdict{
		Pinned: true,
		Images: []plugin.Image{
			{Digest: "sha256:a", DigestFrom: plugin.DigestResolved, Uses: use("by-tag")}, {Digest: "sha256:a", DigestFrom: plugin.DigestLocked, Uses: use("locked")},
			{Digest: "sha256:a", DigestFrom: plugin.DigestWritten, Uses: use("by-digest")}, {Uses: use("unknown")},
		},
		Findings: []plugin.Finding{
			filledIn(app("hardened"), container), {Rule: "harden/held-back", Object: app("held-back"), Field: container},
			{Rule: "pss/capabilities", Now: "x", Object: app("judged"), Field: container},
			filledIn(namedID("v1", "Namespace", "labelled"), "metadata.labels"), filledIn(namedID("networking.k8s.io/v1", "NetworkPolicy", "added"), ""),
			{Rule: "mutate/labels", Level: plugin.Info, Object: app("mutated"), Field: "spec.template.metadata.labels.team", Now: `"a"`},
			{Rule: "mutate/labels", Level: plugin.Info, Object: app("labelled"), Field: "metadata.labels.team", Now: `"a"`},
		},
	}
	names := func() string {
		var all []string
		for _, each := range report.Rollouts(v) {
			all = append(all, fmt.Sprintf("%s %d/%d/%d", each.Object.Name, each.Pinned, each.FilledIn, each.Mutated))
		}
		return strings.Join(all, ", ")
	}
	if got := names(); got != "by-tag 1/0/0, hardened 0/1/0, locked 1/0/0, mutated 0/0/1" {
		t.Errorf("with pinning: %s", got)
	}
	v.Pinned = false
	if got := names(); got != "hardened 0/1/0, mutated 0/0/1" {
		t.Errorf("without pinning: %s", got)
	}
	if got := report.Rollouts(&plugin.Verdict{}); got == nil || len(got) > 0 {
		t.Errorf("of nothing: %v", got)
	}
}

func TestRollouts_SayWhatBecomesOfEachKind(t *testing.T) {
	for _, test := range []struct {
		id     plugin.ObjectID
		field  string
		effect report.Effect
	}{
		{namedID("apps/v1", "Deployment", "x"), "spec.template.spec", report.Rolls},
		{namedID("apps/v1", "StatefulSet", "x"), "spec.template.spec", report.Rolls},
		{namedID("apps/v1", "DaemonSet", "x"), "spec.template.spec", report.Rolls},
		{namedID("argoproj.io/v1alpha1", "Rollout", "x"), "spec.template.spec", report.Rolls},
		{namedID("apps.kruise.io/v1alpha1", "CloneSet", "x"), "spec.template.spec", report.Rolls},
		{namedID("serving.knative.dev/v1", "Service", "x"), "spec.template.spec", report.Rolls},
		{namedID("apps/v1", "ReplicaSet", "x"), "spec.template.spec", report.NewPods},
		{namedID("v1", "ReplicationController", "x"), "spec.template.spec", report.NewPods},
		{namedID("v1", "PodTemplate", "x"), "template.spec", report.NewPods},
		{namedID("batch/v1", "CronJob", "x"), "spec.jobTemplate.spec.template.spec", report.NextRun},
		{namedID("batch/v1", "Job", "x"), "spec.template.spec", report.NextRun}, // a hook: plain ones are held back
		{namedID("v1", "Pod", "x"), "spec.containers[0].securityContext", report.Replaced},
		{namedID("db.example.com/v1", "Cluster", "x"), "spec.template.spec", report.ByController},
		{namedID("other.example.com/v1", "Deployment", "x"), "spec.template.spec", report.ByController},
	} {
		got := report.Rollouts(&plugin.Verdict{Findings: []plugin.Finding{filledIn(test.id, test.field)}})
		if want := []report.Rollout{{Object: test.id, Effect: test.effect, FilledIn: 1}}; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v", test.id, got)
		}
	}
	for kind, want := range map[string]report.Effect{"batch/v1 Job": report.Replaced, "v1 Pod": report.Rolls} { // whose image alone is pinned
		version, kind, _ := strings.Cut(kind, " ")
		v := &plugin.Verdict{Pinned: true, Images: []plugin.Image{{Digest: "sha256:a", DigestFrom: plugin.DigestResolved, Uses: []plugin.Use{{ID: namedID(version, kind, "x")}}}}}
		if got := report.Rollouts(v); len(got) != 1 || got[0].Effect != want {
			t.Errorf("a pinned %s: %+v", kind, got)
		}
	}
	for _, effect := range report.Effects() {
		if effect.Says() == report.Effect("").Says() && effect != report.ByController {
			t.Errorf("%s says nothing of its own", effect)
		}
	}
}

// heldBack is a setting that was held back.
func heldBack(id plugin.ObjectID, container, field string) plugin.Finding {
	return plugin.Finding{
		Rule: "harden/held-back", Level: plugin.Warn, Object: id, Image: webImage, Digest: digest("1a"), Field: "spec.template.spec.containers[0].securityContext." + field,
		Message: container + ": " + field + " was not filled in: the image runs as root", Hint: "give the image a USER by number",
	}
}

// TestReport_HundredsOfChangesStayReadable: what is alike reads as one, and every
// workload is counted.
func TestReport_HundredsOfChangesStayReadable(t *testing.T) {
	var findings []plugin.Finding
	for i := range 300 {
		id := web
		id.Name = fmt.Sprintf("web-%03d", i)
		findings = append(findings, hardened(id, "allowPrivilegeEscalation", "false"), hardened(id, "seccompProfile", `{"type":"RuntimeDefault"}`),
			heldBack(id, fmt.Sprintf("container c%d", i), "runAsNonRoot"), heldBack(id, fmt.Sprintf("container c%d", i), "capabilities"))
	}
	v := complete(t, []string{"starter"}, nil, findings...)
	text := string(write(t, "text", report.Options{}, v))
	if lines := strings.Count(text, "\n"); lines > 60 {
		t.Errorf("%d lines:\n%s", lines, text)
	}
	for _, want := range []string{
		"filled in by assay (600 fields)", "(300 of 300 workloads roll, if they run as their author wrote them)", "280 more; the json report has them all",
		"held back (600 fields)", "! warn  securityContext.capabilities, securityContext.runAsNonRoot", "    why     the image runs as root\n",
		"    instead give the image a USER by number\n", "and 295 more",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	markdown := string(write(t, "markdown", report.Options{}, v))
	for _, want := range []string{"<summary>600 fields filled in by assay</summary>", "<summary>300 of 300 workloads roll, if they run as their author wrote them</summary>",
		"<summary>600 fields held back</summary>", "  - instead: give the image a USER by number"} {
		if !strings.Contains(markdown, want) {
			t.Errorf("no %q in the markdown", want)
		}
	}
	document := decode(t, write(t, "json", report.Options{Findings: 10}, v))
	if len(document.Rollouts) != 300 || document.Counts.Changes != 600 || document.Counts.HeldBack != 600 || document.Rollouts[0].Effect != report.Rolls {
		t.Errorf("%d rollouts, counts %+v", len(document.Rollouts), document.Counts)
	}
}

// TestReport_ChangesOfAssayAndOfThePlatformAreToldApart.
func TestReport_ChangesOfAssayAndOfThePlatformAreToldApart(t *testing.T) {
	mutated := hardened(web, "runAsUser", "1000")
	mutated.Rule = "mutate/users"
	both := complete(t, []string{"starter"}, nil, mutated, hardened(web, "seccompProfile", "{}"))
	one := complete(t, []string{"starter"}, nil, hardened(web, "seccompProfile", "{}"))
	for format, titles := range map[string][]string{
		"text":     {"filled in by assay (1 field)", "changed by the platform's policies (1 field)"},
		"markdown": {"1 field filled in by assay", "1 field changed by the platform's policies"},
	} {
		text := string(write(t, format, report.Options{}, both))
		for _, title := range titles {
			if !strings.Contains(text, title) {
				t.Errorf("%s: no %q in\n%s", format, title, text)
			}
		}
		if text := string(write(t, format, report.Options{}, one)); strings.Contains(text, "platform's policies") {
			t.Errorf("%s: the platform changed nothing, yet\n%s", format, text)
		}
	}
}

// TestText_WhatWasHeldBackDoesNotHideTheReasonForANo: of an object that is
// stopped it is told, of others it is not.
func TestText_WhatWasHeldBackDoesNotHideTheReasonForANo(t *testing.T) {
	findings := []plugin.Finding{privileged(), heldBack(web, "container web", "runAsNonRoot"), heldBack(worker, "container worker", "runAsNonRoot")}
	text := string(write(t, "text", report.Options{}, complete(t, []string{"starter"}, nil, findings...)))
	if !strings.Contains(text, "container web: runAsNonRoot") || strings.Contains(text, "container worker") || !strings.Contains(text, "in full in the json report: 2 warnings") {
		t.Errorf("got\n%s", text)
	}
	if len(report.Rollouts(&plugin.Verdict{Findings: slices.Clone(findings)})) != 0 {
		t.Error("what was held back rolls")
	}
}
