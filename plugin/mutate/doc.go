// Package mutate changes rendered objects as the platform's own
// MutatingAdmissionPolicies would, by the API server's code: apply
// configurations and JSON patches, with bindings, params, match conditions and
// reinvocation.
//
// It runs before images are looked for, so that what a policy adds is verified
// like everything else, and so that the cluster finds nothing left to change: an
// object that admission changes differs from Git for ever.
//
// A policy sees what admission sees: a decoded copy with its defaults, in its
// destination namespace. What it changes there is carried over to the object as
// the author wrote it; the defaults are not.
package mutate
