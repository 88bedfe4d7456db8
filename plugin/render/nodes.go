package render

import (
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/resource"

	"github.com/assay-gitops/assay/plugin"
)

// nodeReader takes the objects out of kustomize's nodes. Writing them as YAML
// and reading that again would cost more than the rest of the rendering.
type nodeReader struct {
	folder string
	places *placeIndex
	limits plugin.Limits
	bytes  int64
}

func (r *nodeReader) objects(built resmap.ResMap) ([]plugin.Object, error) {
	objects := make([]plugin.Object, 0, built.Size())
	for _, node := range built.Resources() {
		fields, err := r.fields(node)
		if err != nil {
			return nil, err
		}
		object := plugin.Object{Fields: fields}
		object.Origin = r.places.find(object.ID())
		objects = append(objects, object)
	}
	return objects, nil
}

func (r *nodeReader) fields(built *resource.Resource) (map[string]any, error) {
	at := plugin.Origin{File: r.folder}
	fields, err := nodeFields(built.YNode())
	if err != nil {
		return nil, invalid(at, "reading "+built.CurId().String()+" from kustomize", err)
	}
	if _, err := newNormaliser(r.limits, at).value(fields, 1); err != nil {
		return nil, err
	}
	if r.bytes += textSize(fields); r.bytes > r.limits.RenderedBytes {
		return nil, overLimit("renderedBytes", r.limits, at)
	}
	return fields, nil
}

// textSize is a lower bound of the bytes that a value takes as text.
func textSize(value any) int64 {
	switch value := value.(type) {
	case string:
		return int64(len(value)) + 2
	case map[string]any:
		total := int64(2)
		for key, member := range value {
			total += int64(len(key)) + 2 + textSize(member)
		}
		return total
	case []any:
		total := int64(2)
		for _, item := range value {
			total += textSize(item) + 2
		}
		return total
	}
	return 1
}
