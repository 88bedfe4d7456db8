// Package render turns a source tree into Kubernetes objects: what kustomize,
// helm and Argo CD's plain directories would apply, object for object and in
// their order, with the file that each object came from.
//
// Nothing outside the tree is read. Every file goes through one confined
// reader ([os.Root], regular files only, bounded by [plugin.Limits]); remote
// bases, plugins that execute, absolute paths and symlinks that leave the tree
// are refused before the tool runs, with the line that asked. A refusal is a
// *plugin.Refusal; no answer (a cancelled caller, a busy queue) is a
// *plugin.StageError.
//
// [New] renders in this process, which is right for a command line. Front doors
// that serve several applications use [NewWorkers]: templates cannot be
// stopped from inside a process, so each rendering runs in a worker process
// that has no network, no credentials and a memory ceiling, and that is killed
// at its deadline.
package render
