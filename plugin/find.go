package plugin

// ImageFinder finds every image of the rendered objects: in Pod-shaped places
// of any kind, in the fields of known custom resources, and in the fields that
// a gate declares.
type ImageFinder struct {
	// Fields are the gate's declarations for kinds that assay does not know.
	Fields []ImageField
}

// ImageField declares where a kind of custom resource names an image.
type ImageField struct {
	// Group and Kind select objects; Group is empty for the core group.
	Group, Kind string
	// Path is the field that holds the whole reference, or, with Tag or Digest
	// set, its repository. "[*]" steps through lists and maps:
	// spec.template.containers[*].image, spec.args[*].
	Path string
	// Tag and Digest are paths relative to Path's parent, for references that
	// are split over fields.
	Tag, Digest string
	// Prefix is the text in front of the reference when Path is an argument:
	// "--sidecar-image=".
	Prefix string
}

// Find returns one image for each unique reference as written, sorted by it,
// and findings about references that cannot be parsed (image/invalid), places
// that look like images but are declared nowhere (image/undeclared), and kinds
// that make Pods from an image that they do not name (image/implicit).
func (f ImageFinder) Find(objects []Object) ([]Image, []Finding) {
	return nil, nil
}
