package gate

import "github.com/assay-gitops/assay/plugin"

// Config is everything that was loaded, checked.
type Config struct {
	Gates         []Gate
	ImagePolicies []ClusterImagePolicy
	TrustRoots    []TrustRoot
	// Documents are policies in formats that other packages decode
	// (ValidatingAdmissionPolicy and its bindings), as JSON.
	Documents []Document
	// Warnings are findings about the configuration itself, such as an option
	// that accepts more than its author may think.
	Warnings []plugin.Finding
}

// Document is one object of the configuration that this package does not
// decode.
type Document struct {
	APIVersion, Kind, Name string
	// JSON is the object.
	JSON []byte
	At   plugin.Origin
}
