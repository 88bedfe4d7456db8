package predicate

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Component is what a bill of materials says of one package, as rules in CEL
// see it. Empty means that the bill does not say.
type Component struct {
	Name    string `cel:"name"`
	Version string `cel:"version"`
	PURL    string `cel:"purl"`
	// Type is the package URL's ("deb", "golang"), else the format's own word
	// for the kind of component, in small letters.
	Type     string `cel:"type"`
	Supplier string `cel:"supplier"`
	// Licenses are SPDX expressions, or the bill's own words.
	Licenses []string `cel:"licenses"`
}

// String names the component in messages.
func (c Component) String() string {
	return shorten(strings.TrimSpace(c.Name + " " + c.Version))
}

// bill is a bill of materials, whatever its format.
type bill struct {
	made time.Time
	// makers are the tools, people and organizations that made it.
	makers []string
	// digests are those by which the bill names the image that it is about; any
	// of them may be the image's.
	digests []string
	// components are what is in the image, without the image itself.
	components []Component
}

// billTypes are the predicate types of bills, as cosign, buildx and others
// write them; versions follow behind a slash. The document says which format
// and version it really is.
func billFormat(predicateType string) func(reader, []byte) (bill, error) {
	switch {
	case isType(predicateType, "https://spdx.dev/Document"):
		return reader.spdx
	case isType(predicateType, "https://cyclonedx.org/bom"):
		return reader.cycloneDX
	}
	return nil
}

// isType reports whether a predicate type is the URI, or the URI with a version.
func isType(predicateType, uri string) bool {
	return predicateType == uri || strings.HasPrefix(predicateType, uri+"/")
}

// readBill reads the statement's bill.
func (r reader) readBill(statement Statement) (bill, error) {
	format := billFormat(statement.Type)
	if format == nil {
		return bill{}, fmt.Errorf("%s is no type of a bill of materials", shorten(statement.Type))
	}
	document, err := r.unwrap(statement.Predicate)
	if err != nil {
		return bill{}, err
	}
	found, err := format(r, document)
	if err != nil {
		return bill{}, err
	}
	if len(found.components) == 0 {
		return bill{}, errors.New("it lists no component")
	}
	return found, r.count("components", len(found.components))
}

// add puts a component into the bill, unless it is the image itself.
func (b *bill) add(r reader, component Component) error {
	url := parsePURL(component.PURL)
	if url.isImage() {
		return nil
	}
	if url.kind != "" {
		component.Type = url.kind
	}
	component.Type = strings.ToLower(component.Type)
	b.components = append(b.components, component)
	return r.count("components", len(b.components))
}

// about notes the digests by which the bill names its image: each text is a
// digest, a package URL, or a reference.
func (b *bill) about(texts ...string) {
	for _, text := range texts {
		for _, digest := range []string{text, parsePURL(text).digest(), digestOf(text)} {
			if isDigest(digest) {
				b.digests = append(b.digests, digest)
			}
		}
	}
}
