package report_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/report"
)

// down is a registry's silence about an image, and what follows from it for the
// object that uses the image.
func down(image, object, cause string) []plugin.Finding {
	id := plugin.ObjectID{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: object}
	const field = "spec.template.spec.containers[0].securityContext.runAsNonRoot"
	return []plugin.Finding{
		{Rule: "resolve/no-answer", Level: plugin.Undetermined, Object: id, Image: image, Message: "resolve " + image + ": " + cause, Hint: "check the name"},
		{Rule: "image/not-pinned", Level: plugin.Undetermined, Object: id, Image: image, Message: "the image has no digest"},
		{Rule: "harden/held-back", Level: plugin.Warn, Object: id, Image: image, Field: field, Message: "it was not filled in"},
		{Rule: "pss/runAsNonRoot", Level: plugin.Undetermined, Object: id, Field: field, Message: "it must be set"},
	}
}

// outage is a verdict about web and worker, whose registries are silent for
// these reasons.
func outage(t *testing.T, web, worker string, more ...plugin.Finding) *plugin.Verdict {
	t.Helper()
	findings := append(append(down(webImage, "web", web), down(workerImage, "worker", worker)...), more...)
	plugin.SortFindings(findings)
	return complete(t, []string{"starter"}, []plugin.Image{image(t, webImage, ""), image(t, workerImage, "")}, findings...)
}

func TestText_ARegistryThatIsDownIsToldOnceWithItsImages(t *testing.T) {
	const refused, slow = "dial tcp 192.0.2.1:443: connection refused", "it took longer than 10s"
	v := outage(t, refused, refused)
	text := string(write(t, "text", report.Options{Width: 1000}, v))
	for says, times := range map[string]int{
		refused: 1, "check the name": 1, "\n    - " + webImage + "\n": 1, "\n    - " + workerImage + "\n": 1,
		"pss/runAsNonRoot, image/not-pinned: there is no answer about " + webImage + " (resolve/no-answer says why)":    1,
		"pss/runAsNonRoot, image/not-pinned: there is no answer about " + workerImage + " (resolve/no-answer says why)": 1,
		"in full in the json report: 4 findings that share a line, 2 warnings":                                          1,
	} {
		if strings.Count(text, says) != times {
			t.Errorf("%q is there %d times, want %d, in\n%s", says, strings.Count(text, says), times, text)
		}
	}
	if strings.Index(text, refused) > strings.Index(text, "deployment/shop/web") {
		t.Errorf("what follows stands before the reason:\n%s", text)
	}
	twin := string(write(t, "text", report.Options{Width: 1000}, outage(t, refused, slow)))
	if strings.Contains(twin, "  registry\n") || !strings.Contains(twin, "resolve "+webImage+": "+refused) || !strings.Contains(twin, "resolve "+workerImage+": "+slow) {
		t.Errorf("twin: two reasons are told as one:\n%s", twin)
	}
}

func TestText_ADenialStandsBeforeARegistryThatIsDown(t *testing.T) {
	text := string(write(t, "text", report.Options{}, outage(t, "gone", "gone", privileged())))
	if denial := strings.Index(text, privileged().Rule); denial < 0 || denial > strings.Index(text, "gone") {
		t.Errorf("got\n%s", text)
	}
}

func TestText_WhatSharesALineIsWholeInJSON(t *testing.T) {
	v := outage(t, "gone", "gone")
	var written struct {
		Findings []struct{ Rule, Message string }
	}
	if err := json.Unmarshal(write(t, "json", report.Options{}, v), &written); err != nil {
		t.Fatal(err)
	}
	if len(written.Findings) != len(v.Findings) {
		t.Fatalf("%d findings, want %d", len(written.Findings), len(v.Findings))
	}
	for i, each := range written.Findings {
		if each.Rule != v.Findings[i].Rule || each.Message != v.Findings[i].Message {
			t.Errorf("%d: %+v", i, each)
		}
	}
}

// Nobody knows who vouches for an image with a digest either, nor how it runs.
func TestText_WhatFollowsForAnImageWithADigestSharesALine(t *testing.T) {
	id := plugin.ObjectID{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: "web"}
	const field = "spec.template.spec.containers[0].securityContext.runAsNonRoot"
	told := func(verify string) string {
		findings := []plugin.Finding{
			{Rule: "registry/no-answer", Level: plugin.Undetermined, Image: webImage, Digest: digest("1a"), Message: "registry " + webImage + ": connection refused"},
			{Rule: "verify/no-answer", Level: plugin.Undetermined, Object: id, Image: webImage, Digest: digest("1a"), Message: "cannot tell whether rule vouches: " + verify},
			{Rule: "pss/runAsNonRoot", Level: plugin.Undetermined, Object: id, Field: field, Message: "it must be set"},
			{Rule: "harden/held-back", Level: plugin.Warn, Object: id, Image: webImage, Digest: digest("1a"), Field: field, Message: "it was not filled in"},
		}
		v := complete(t, []string{"starter"}, []plugin.Image{image(t, webImage, digest("1a"))}, findings...)
		return string(write(t, "text", report.Options{Width: 1000}, v))
	}
	const line = "pss/runAsNonRoot, verify/no-answer: there is no answer about "
	if text := told("connection refused"); !strings.Contains(text, line) {
		t.Errorf("got\n%s", text)
	}
	if text := told("the trust root has expired"); strings.Contains(text, line) || !strings.Contains(text, "the trust root has expired") {
		t.Errorf("twin, another reason:\n%s", text)
	}
}
