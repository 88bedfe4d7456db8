package plugin

import "testing"

func TestNewEvidence_RefusesWhatVouchesForNothing(t *testing.T) {
	good := Claims{Kind: EvidenceSignature, Policy: "p", Digest: digestOf("x")}
	evidence, err := NewEvidence(good, []byte("payload"))
	if err != nil || evidence.IsZero() || evidence.Claims() != good || string(evidence.Payload()) != "payload" {
		t.Errorf("%+v, %v", evidence, err)
	}
	for name, change := range map[string]func(*Claims){
		"no digest": func(c *Claims) { c.Digest = "" }, "no trust rule": func(c *Claims) { c.Policy = "" }, "no kind": func(c *Claims) { c.Kind = "" },
	} {
		claims := good
		change(&claims)
		if evidence, err := NewEvidence(claims, nil); err == nil || !evidence.IsZero() {
			t.Errorf("%s: %+v", name, evidence)
		}
	}
	if !(Evidence{}).IsZero() {
		t.Error("the zero value vouches")
	}
}

func TestImageIndex_FindsTheImageOfAField(t *testing.T) {
	images := imagesOf(t, "nginx:1", "b:1")
	index := NewImageIndex(images)
	for field, want := range map[string]string{"spec.template.spec.containers[0].image": "nginx:1", "spec.template.spec.containers[1].image": "b:1"} {
		if image := index.At(0, field); image == nil || image.Written != want {
			t.Errorf("%s: %+v", field, image)
		}
	}
	if index.At(1, "spec.template.spec.containers[0].image") != nil || index.At(0, "spec") != nil || (ImageIndex{}).At(0, "x") != nil {
		t.Error("an image was found where there is none")
	}
}

func TestFinding_Subject(t *testing.T) {
	for want, finding := range map[string]Finding{
		"deployment/team-a/app": {Object: ObjectID{Kind: "Deployment", Namespace: "team-a", Name: "app"}, Image: "nginx"},
		"pod/app":               {Object: ObjectID{Kind: "Pod", Name: "app"}},
		"nginx":                 {Image: "nginx"},
		"application":           {},
	} {
		if got := finding.Subject(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
