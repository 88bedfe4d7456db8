package plugin

import (
	"context"
	"fmt"
	"testing"
)

// hardenAll is a hardener that may change objects and add some.
type hardenAll func([]Object) []Object

func (f hardenAll) Harden(_ context.Context, rendering Unhardened) ([]Object, []Finding) {
	return f(rendering.Objects), nil
}

// withImages renders a Pod with every place of an image, a known custom resource,
// and one of a kind that nobody declared.
func withImages() []Object {
	pod := Object{Fields: map[string]any{
		"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": "all"},
		"spec": map[string]any{
			"containers":          []any{map[string]any{"name": "a", "image": "nginx:1.27"}},
			"initContainers":      []any{map[string]any{"name": "b", "image": "redis:7"}},
			"ephemeralContainers": []any{map[string]any{"name": "c", "image": "nginx:1.27"}},
			"volumes":             []any{map[string]any{"name": "v", "image": map[string]any{"reference": "redis:7"}}},
		},
	}}
	custom := Object{Fields: map[string]any{
		"apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus", "metadata": map[string]any{"name": "custom"}, "spec": map[string]any{"image": "redis:7"},
	}}
	unknown := Object{Fields: map[string]any{
		"apiVersion": "db.example.com/v1", "kind": "Cluster", "metadata": map[string]any{"name": "unknown"}, "spec": map[string]any{"size": int64(3)},
	}}
	return []Object{pod, custom, unknown}
}

// TestAccount_AHardenerThatTouchesAnImageIsDenied, wherever the image stands:
// changed, taken away, added, pinned otherwise, moved, or in an object that it
// adds.
func TestAccount_AHardenerThatTouchesAnImageIsDenied(t *testing.T) {
	evil := "evil.example.com/x@" + digestOf("evil")
	spec := func(objects []Object, i int) map[string]any { return objects[i].Fields["spec"].(map[string]any) }
	entry := func(objects []Object, list string) map[string]any {
		return spec(objects, 0)[list].([]any)[0].(map[string]any)
	}
	hostile := map[string]hardenAll{
		"an image volume changes": func(objects []Object) []Object {
			entry(objects, "volumes")["image"].(map[string]any)["reference"] = evil
			return objects
		},
		"a custom resource's image changes": func(objects []Object) []Object { spec(objects, 1)["image"] = evil; return objects },
		"a custom resource's image goes":    func(objects []Object) []Object { delete(spec(objects, 1), "image"); return objects },
		"a custom resource gets another": func(objects []Object) []Object {
			spec(objects, 1)["thanos"] = map[string]any{"image": evil}
			return objects
		},
		"an undeclared kind gets one": func(objects []Object) []Object { spec(objects, 2)["image"] = evil; return objects },
		"a variable gets one": func(objects []Object) []Object {
			entry(objects, "containers")["env"] = []any{map[string]any{"name": "RELATED_IMAGE_X", "value": evil}}
			return objects
		},
		"an argument gets one": func(objects []Object) []Object {
			entry(objects, "containers")["args"] = []any{"--sidecar-image=" + evil}
			return objects
		},
		"an object with a Pod is added": func(objects []Object) []Object { return append(objects, deployment("second", evil)) },
		"an object with a known image": func(objects []Object) []Object {
			return append(objects, deployment("second", "nginx:1.27@"+digestOf("nginx:1.27")))
		},
		"an undeclared object is added": func(objects []Object) []Object {
			return append(objects, Object{Fields: map[string]any{"apiVersion": "db.example.com/v1", "kind": "Cluster", "metadata": map[string]any{"name": "x"}, "spec": map[string]any{"image": evil}}})
		},
		"an object with an image goes": func(objects []Object) []Object { return objects[:1] },
		"objects change places":        func(objects []Object) []Object { objects[0], objects[1] = objects[1], objects[0]; return objects },
	}
	for _, list := range []string{"containers", "initContainers", "ephemeralContainers"} {
		for what, value := range map[string]any{"changes": evil, "is of another tag": "nginx:1.28@" + digestOf("nginx:1.27"), "loses its digest": "nginx:1.27", "goes": nil, "is no text": int64(5)} {
			hostile[fmt.Sprintf("the image of %s %s", list, what)] = func(objects []Object) []Object {
				entry(objects, list)["image"] = value
				return objects
			}
		}
		hostile["another of "+list] = func(objects []Object) []Object {
			spec(objects, 0)[list] = append(spec(objects, 0)[list].([]any), map[string]any{"name": "x", "image": evil})
			return objects
		}
		hostile["none of "+list] = func(objects []Object) []Object { delete(spec(objects, 0), list); return objects }
	}
	for name, harden := range hostile {
		t.Run(name, func(t *testing.T) {
			p := passing()
			p.Renderer, p.Pin, p.Hardener = renders(withImages()...), true, harden
			p.Finder = ImageFinder{Undeclared: Info}
			expect(t, p.Run(t.Context(), Source{}), Denied, "image/unaccounted")
		})
	}
}

// TestAccount_AHardenerThatLeavesImagesAloneIsAllowed is the twin of all of them:
// fields and an object are added, and no image.
func TestAccount_AHardenerThatLeavesImagesAloneIsAllowed(t *testing.T) {
	p := passing()
	p.Renderer, p.Pin, p.Finder = renders(withImages()...), true, ImageFinder{Undeclared: Info}
	p.Hardener = hardenAll(func(objects []Object) []Object {
		objects[0].Fields["spec"].(map[string]any)["hostUsers"] = false
		return append(objects, Object{Fields: map[string]any{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": map[string]any{"name": "x"}, "spec": map[string]any{}}})
	})
	expect(t, p.Run(t.Context(), Source{}), Allowed)
}
