// Package policies holds the shipped packs. A rule over objects is a
// ValidatingAdmissionPolicy with its binding, in a folder of its own beside the
// cases that it must pass and fail: the same file can be applied to a cluster.
// Rules over evidence are Go (plugin/policy); their folders hold cases alone.
package policies

import "embed"

// Files are <area>/<name>/policy.yaml of every rule that is not Go. The folder's
// path is the rule's id; plugin/policy says which packs bring it.
//
//go:embed */*/policy.yaml
var Files embed.FS
