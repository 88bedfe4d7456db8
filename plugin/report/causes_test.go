package report

import (
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

// TestCauses_WhatFollowsIsCountedNotTold: an image without an entry in the lock
// file is not pinned, and hardening could not look at it. Once the cause only
// warns, what followed stands for itself.
func TestCauses_WhatFollowsIsCountedNotTold(t *testing.T) {
	object := plugin.ObjectID{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"}
	const image, field = "registry.example.com/web:1", "spec.template.spec.containers[0].securityContext.runAsNonRoot"
	v := &plugin.Verdict{Findings: []plugin.Finding{
		{Rule: "image/not-locked", Image: image, Object: object, Field: "spec.template.spec.containers[0].image"},
		{Rule: "image/not-pinned", Image: image, Object: object, Field: "spec.template.spec.containers[0].image"},
		{Rule: "pss/runAsNonRoot", Object: object, Field: field},
		{Rule: "pss/restrictedVolumes", Object: object, Field: "spec.template.spec.volumes"},
		{Rule: "harden/held-back", Level: plugin.Warn, Object: object, Field: field, Image: image},
	}}
	if causes, following := Causes(v); len(causes) != 2 || following != 2 || causes[0].Rule != "image/not-locked" || causes[1].Rule != "pss/restrictedVolumes" {
		t.Error(causes, following)
	}
	v.Findings[0].Level = plugin.Warn
	if causes, following := Causes(v); len(causes) != 3 || following != 0 {
		t.Error("the cause only warns:", causes, following)
	}
	v.Findings[0].Level, v.Findings[4].Digest = plugin.Deny, "sha256:0"
	if causes, following := Causes(v); len(causes) != 3 || following != 1 {
		t.Error("hardening saw the image:", causes, following)
	}
}
