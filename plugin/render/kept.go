package render

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"fmt"
	"io"

	"github.com/assay-gitops/assay/plugin"
)

// kept is one rendering and the facts that it depends on.
type kept struct {
	input     string
	rendering plugin.Rendering
	// objects are the rendering's in a packed cache, where it has none itself.
	objects []byte
	reads   map[string]read
	bytes   int64
}

// copy is the rendering, for a caller who may change it.
func (e *kept) copy(limits plugin.Limits) (plugin.Rendering, error) {
	copied := copyRendering(e.rendering)
	copied.Facts = facts(e.reads)
	var err error
	if e.objects != nil {
		copied.Objects, err = unpackObjects(e.objects, limits)
	}
	return copied, err
}

// entry is a rendering as this cache keeps it.
func (c *Cache) entry(rendering plugin.Rendering) (*kept, error) {
	made := &kept{}
	if c.Packed {
		var err error
		if made.objects, err = packObjects(rendering.Objects); err != nil {
			return nil, err
		}
		made.bytes = int64(len(made.objects))
		rendering.Objects = nil
	}
	made.rendering = copyRendering(rendering)
	for _, object := range rendering.Objects {
		made.bytes += weight(object.Fields)
	}
	return made, nil
}

// packObjects is what a packed cache keeps of objects.
func packObjects(objects []plugin.Object) ([]byte, error) {
	wire := make([]wireObject, len(objects))
	for i, object := range objects {
		wire[i] = wireObject(object)
	}
	var out bytes.Buffer
	packer, err := flate.NewWriter(&out, flate.BestSpeed)
	if err != nil {
		return nil, fmt.Errorf("packing a rendering: %w", err)
	}
	if err := json.NewEncoder(packer).Encode(wire); err != nil {
		return nil, fmt.Errorf("packing a rendering: %w", err)
	}
	if err := packer.Close(); err != nil {
		return nil, fmt.Errorf("packing a rendering: %w", err)
	}
	return bytes.Clone(out.Bytes()), nil
}

// unpackObjects reads what packObjects wrote; the types are those that a
// renderer gives.
func unpackObjects(data []byte, limits plugin.Limits) ([]plugin.Object, error) {
	decoder := json.NewDecoder(io.LimitReader(flate.NewReader(bytes.NewReader(data)), messageLimit(limits)))
	decoder.UseNumber()
	var wire []wireObject
	if err := decoder.Decode(&wire); err != nil {
		return nil, fmt.Errorf("unpacking a rendering: %w", err)
	}
	return received(wire, limits)
}

// received brings objects that came as JSON back into the types of a renderer.
func received(wire []wireObject, limits plugin.Limits) ([]plugin.Object, error) {
	var objects []plugin.Object
	for _, object := range wire {
		if _, err := newNormaliser(limits, object.Origin).value(object.Fields, 1); err != nil {
			return nil, err
		}
		objects = append(objects, plugin.Object(object))
	}
	return objects, nil
}
