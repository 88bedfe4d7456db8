// Package apiserver is what the API server does to an object before and while
// its admission policies look, by its own code: decoding, defaults, versions,
// what it fills in, which policies and bindings are about the object, with
// which params, and what of an expression's answer only the cluster knows.
//
// It judges nothing and changes nothing: plugin/policy judges by
// ValidatingAdmissionPolicies and plugin/mutate changes by
// MutatingAdmissionPolicies, and both stand on it.
package apiserver
