package plugin

import (
	"context"
	"errors"
	"math"
	"strings"
)

// Stages that do what no stage may do.

func broken(context.Context, Source) (Rendering, error) {
	return Rendering{Objects: []Object{deployment("app", "nginx")}}, errors.New("broken")
}

func reviews(count int) verifyFunc {
	return func(context.Context, []Image) []Review { return make([]Review, count) }
}

func zeroEvidence() verifyFunc {
	return func(_ context.Context, images []Image) []Review {
		out := make([]Review, len(images))
		for i := range out {
			out[i].Evidence = []Evidence{{}}
		}
		return out
	}
}

func onlyFacts() verifyFunc {
	return func(_ context.Context, images []Image) []Review {
		out := make([]Review, len(images))
		for i := range out {
			out[i].Findings = []Finding{{Rule: "verify/fact", Level: Info}}
		}
		return out
	}
}

func says(findings ...Finding) judgeFunc {
	return func(context.Context, Sealed) []Finding { return findings }
}

func answering(answer Resolution) resolveFunc {
	return func(_ context.Context, references []Reference) []Resolution {
		out := make([]Resolution, len(references))
		for i := range out {
			out[i] = answer
		}
		return out
	}
}

type lossy struct{ JSONEncoding }

func (e lossy) Decode(data []byte) ([]Object, error) {
	objects, err := e.JSONEncoding.Decode(data)
	return objects[:len(objects)-1], err
}

type swapping struct{ JSONEncoding }

func (e swapping) Encode(objects []Object) ([]byte, error) {
	data, err := e.JSONEncoding.Encode(objects)
	return []byte(strings.ReplaceAll(string(data), "nginx:1.27@", "nginx:1.26@")), err
}

type unreadable struct{ JSONEncoding }

func (unreadable) Decode([]byte) ([]Object, error) { return nil, errors.New("x") }

func writeNaN(_ context.Context, objects []Object, _ ImageIndex) []Finding {
	objects[0].Fields["x"] = math.NaN()
	return nil
}

type panicking struct{ JSONEncoding }

func (panicking) Encode([]Object) ([]byte, error) { panic("x") }

func podOf(object Object) map[string]any {
	spec, _ := FieldValue(object.Fields, "spec.template.spec")
	fields, _ := spec.(map[string]any)
	return fields
}

func addContainer(_ context.Context, objects []Object, _ ImageIndex) []Finding {
	podOf(objects[0])["initContainers"] = []any{map[string]any{"name": "x", "image": "evil.example.com/x@" + digestOf("x")}}
	return nil
}

func changeImage(_ context.Context, objects []Object, _ ImageIndex) []Finding {
	podOf(objects[0])["containers"].([]any)[0].(map[string]any)["image"] = "evil.example.com/x@" + digestOf("x")
	return nil
}

func dropContainers(_ context.Context, objects []Object, _ ImageIndex) []Finding {
	delete(podOf(objects[0]), "containers")
	return nil
}

func unpin(_ context.Context, objects []Object, _ ImageIndex) []Finding {
	podOf(objects[0])["containers"].([]any)[0].(map[string]any)["image"] = "nginx:1.27"
	return nil
}
