package plugin

import (
	"context"
	"testing"
)

func TestVerdict_KeepsObjectsWhenAskedAlone(t *testing.T) {
	p := passing()
	if v := p.Run(context.Background(), Source{}); v.Rendered() != nil || v.Sealed() != nil {
		t.Fatal("a verdict kept objects that nobody asked for")
	}
	p.KeepObjects = true
	v := p.Run(context.Background(), Source{})
	if len(v.Rendered()) != v.Objects || len(v.Sealed()) != v.Objects || v.Objects == 0 {
		t.Fatalf("of %d objects %d rendered and %d sealed ones were kept", v.Objects, len(v.Rendered()), len(v.Sealed()))
	}
}

func TestVerdict_KeepsTheSealedObjectsOfADenial(t *testing.T) {
	p := passing()
	p.KeepObjects = true
	p.Gates[0].Judges = append(p.Gates[0].Judges, judgeFunc(func(context.Context, Sealed) []Finding { return []Finding{{Rule: "x/y", Message: "no"}} }))
	v := p.Run(context.Background(), Source{})
	if v.Outcome() != Denied {
		t.Fatalf("the verdict is %s", v.Outcome())
	}
	if len(v.Sealed()) != v.Objects {
		t.Fatal("the objects of a denied verdict are not kept")
	}
	if _, err := v.Manifests(); err == nil {
		t.Fatal("a denied verdict hands on manifests")
	}
}
