// Package policy judges the decoded seal: Pod Security Standards, the gate's
// ValidatingAdmissionPolicies, the shipped packs, and self, which no gate
// switches off.
//
// A [Compiler] turns one gate into judges. Policies are compiled once and
// shared by all gates that name them; a policy that does not compile, a pack
// or a rule that does not exist is an error when the gate is loaded, never a
// rule that is silently left out.
//
// Before the engines run, each object becomes what admission would see
// ([view]): decoded into the API's own types, in its destination namespace,
// and with the Pods that a workload would make. What cannot be decided without
// the cluster is said to be indeterminate and counts as the gate says.
//
// [Rules] and [Explain] hold the page of every rule of the product.
package policy
