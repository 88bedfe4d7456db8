package plugin

import (
	"context"
	"testing"
)

// What hardening would have filled in, had it known the image, is no denial:
// the author who leaves a field to hardening has nothing to mend.
func TestRun_WhatHardeningCouldNotDecideIsUndetermined(t *testing.T) {
	object := deployment("app", "nginx:1").ID()
	const field = "spec.template.spec.containers[0].securityContext.runAsNonRoot"
	held := Finding{Rule: "harden/held-back", Level: Warn, Object: object, Field: field, Image: "nginx:1.27"}
	changed := func(change func(*Finding)) Finding { finding := held; change(&finding); return finding }
	for name, test := range map[string]struct {
		silent  string
		held    Finding
		judge   Finding
		outcome Outcome
	}{
		"the field":          {"nginx:1.27", held, Finding{Object: object, Field: field}, Unanswered},
		"the image answered": {"other:1", held, Finding{Object: object, Field: field}, Denied},
		"filled in":          {"nginx:1.27", changed(func(f *Finding) { f.Now = "true" }), Finding{Object: object, Field: field}, Denied},
		"another field":      {"nginx:1.27", held, Finding{Object: object, Field: "spec"}, Denied},
		"another object":     {"nginx:1.27", held, Finding{Object: ObjectID{Kind: "Pod", Name: "x"}, Field: field}, Denied},
		"of no image":        {"nginx:1.27", changed(func(f *Finding) { f.Image = "" }), Finding{Object: object, Field: field}, Denied},
	} {
		t.Run(name, func(t *testing.T) {
			p := passing()
			p.Inspector = inspectFunc(func(context.Context, []Image) []Finding {
				return []Finding{{Rule: "inspect/no-answer", Level: Undetermined, Image: test.silent}, {Rule: "inspect/no-answer", Level: Undetermined}}
			})
			p.Hardener = hardenFunc(func(context.Context, []Object, ImageIndex) []Finding { return []Finding{test.held} })
			test.judge.Rule = "pss/runAsNonRoot"
			p.Gates[0].Judges[0] = says(test.judge)
			expect(t, p.Run(t.Context(), Source{}), test.outcome, "pss/runAsNonRoot")
		})
	}
}
