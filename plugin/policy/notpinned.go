package policy

import (
	"context"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

/*
notPinned denies images that stand in the seal without a digest.

Looked at: every image field that the finder knows or the gate declares.
Allowed: a reference with a digest. An image for which there was no digest in
this run is left to the resolve stage, which said why.

Rule: image/not-pinned.
*/
type notPinned struct{ fields []plugin.ImageField }

const ruleNotPinned = "image/not-pinned"

func notPinnedRule() codeRule {
	return codeRule{engine: func(g gate.Gate) engine { return notPinned{fields: imageFields(g)} }, page: Rule{
		ID: ruleNotPinned, Title: "Every image is pinned to a digest", Severity: "high", Level: "Deny", Adjustable: true,
		Why:      "a tag can be moved to another build at any time, without a commit",
		Fix:      "switch the gate's pin on, or write the digest behind the tag",
		Controls: []string{attackImplantImage, attackSupplyChain},
	}}
}

func (n notPinned) judge(_ context.Context, v *view) []plugin.Finding {
	images, _ := plugin.ImageFinder{Fields: n.fields}.Find(v.sealed.Objects)
	var findings []plugin.Finding
	for _, image := range images {
		if image.Reference.Digest != "" {
			continue
		}
		for _, use := range image.Uses {
			if known := v.sealed.Images.At(use.Object, use.Field); known != nil && known.Digest == "" {
				continue
			}
			findings = append(findings, plugin.Finding{
				Rule: ruleNotPinned, Object: use.ID, Origin: use.Origin, Field: use.Field, Image: image.Written,
				Message: "the image is not pinned to a digest",
				Why:     "a tag can be moved to another build at any time, without a commit",
				Hint:    "switch the gate's pin on, or write " + image.Written + "@sha256:... here",
			})
		}
	}
	return findings
}
