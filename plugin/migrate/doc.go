// Package migrate rewrites Argo CD's Applications and ApplicationSets from helm,
// kustomize and directory sources to assay's plugin, as text, and proves it: both
// sources are rendered, and the objects must be the same, field for field.
//
// What cannot be carried over is refused with the place, and a file with a
// refusal or a difference is not written at all.
package migrate
