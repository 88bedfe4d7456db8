package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// walksInFlight bounds the images whose layers are read at once, for whatever
// application: unpacking takes a processor, and memory.
const walksInFlight = 4

// mostLinks bounds the symbolic links of one path. Each costs another walk.
const mostLinks = 5

// walk reads the layers of one image. It is one call.
type walk struct {
	client *Client
	origin place
	// layers from the top down.
	layers []Descriptor
	left   allowance
}

// newWalk lists the layers of a manifest. More of them than the limit, and
// those that the registry has only as a reference to somewhere else, are told
// when they would have to be read.
func (c *Client) newWalk(origin place, leaf Manifest) (*walk, error) {
	document := struct {
		Layers manifestList `json:"layers"`
	}{manifestList{limit: c.limits.Layers}}
	err := json.Unmarshal(leaf.Bytes, &document)
	if errors.Is(err, errTooMany) {
		return nil, over("are too many", "layers", c.limits.Layers)
	}
	if err != nil {
		return nil, invalidAnswer("manifest "+leaf.Digest, err)
	}
	w := &walk{client: c, origin: origin, left: newAllowance(c.limits)}
	for _, layer := range slices.Backward(document.Layers.entries) {
		w.layers = append(w.layers, Descriptor{MediaType: layer.MediaType, Digest: layer.Digest, Size: layer.Size})
	}
	return w, nil
}

// find looks for all paths, from the top layer down, and stops when the first
// must of them are settled: layers are not read for the others.
func (w *walk) find(ctx context.Context, paths []*sought, must int) error {
	for _, layer := range w.layers {
		if !slices.ContainsFunc(paths[:must], func(s *sought) bool { return !s.settled }) {
			return nil
		}
		want := wanted{}
		for _, each := range paths {
			if !each.settled {
				each.ask(want)
			}
		}
		has, err := w.read(ctx, layer, want)
		if err != nil {
			return err
		}
		for _, each := range paths {
			if !each.settled {
				each.look(layer.Digest, has)
			}
		}
	}
	return nil
}

// follow looks for one file, through symbolic links. Others are looked for
// while the layers are read.
func (w *walk) follow(ctx context.Context, first *sought, others ...*sought) (outcome, error) {
	at := first
	for range mostLinks + 1 {
		if err := w.find(ctx, append([]*sought{at}, others...), 1); err != nil {
			return outcome{}, err
		}
		switch {
		case at.reason != "":
			return outcome{}, untold(at.reason)
		case at.link == "":
			return at.outcome, nil
		}
		at = seek(at.next, first.keep)
	}
	return outcome{}, untold(fmt.Sprintf("/%s leads through more than %d links", first.path, mostLinks))
}

// read reads one layer. What it says is believed when all its bytes came, and
// are those of its digest: a registry that sends others is told from one whose
// image is broken.
func (w *walk) read(ctx context.Context, layer Descriptor, want wanted) (contents, error) {
	if err := checkLayer(layer); err != nil {
		return contents{}, err
	}
	w.left.layers--
	w.left.bytes -= layer.Size
	switch {
	case w.left.layers < 0:
		return contents{}, over("are too many", "layers", w.left.limits.Layers)
	case w.left.bytes < 0:
		return contents{}, over("are too large", "layerBytes", w.left.limits.LayerBytes)
	}
	var has contents
	var unread error
	var left allowance
	err := w.client.stream(ctx, w.origin, layer, func(body io.Reader) {
		left = w.left
		has, unread = readLayer(body, want, &left)
	})
	if err != nil {
		return contents{}, err
	}
	w.left = left
	return has, unread
}

// layerTypes are those that are archives of files: OCI image specification
// (layer), and Docker's image manifest version 2 schema 2.
func layerTypes() []string {
	return []string{
		"application/vnd.oci.image.layer.v1.tar", "application/vnd.oci.image.layer.v1.tar+gzip", "application/vnd.oci.image.layer.v1.tar+zstd",
		"application/vnd.docker.image.rootfs.diff.tar", "application/vnd.docker.image.rootfs.diff.tar.gzip", "application/vnd.docker.image.rootfs.diff.tar.zstd",
	}
}

// checkLayer says why a layer cannot be read.
func checkLayer(layer Descriptor) error {
	switch {
	case strings.Contains(layer.MediaType, ".nondistributable.") || strings.Contains(layer.MediaType, ".foreign."):
		return untold("a layer is not the registry's to give (nondistributable)")
	case strings.HasSuffix(layer.MediaType, "+encrypted"):
		return untold("a layer is encrypted")
	case !slices.Contains(layerTypes(), layer.MediaType):
		return untold(fmt.Sprintf("a layer is of the type %.80q, which is no archive of files", layer.MediaType))
	case !digestForm.MatchString(layer.Digest):
		return untold(fmt.Sprintf("a layer has the digest %.80q, and only sha256 is read", layer.Digest))
	case layer.Size < 0:
		return untold("a layer has a size below 0")
	}
	return nil
}
