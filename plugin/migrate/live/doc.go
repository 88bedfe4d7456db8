// Package live reads Argo CD's Applications and ApplicationSets from a cluster,
// as their authors would have written them, and writes back what was made of
// them when it is asked to.
//
// It reads all or nothing: a page that fails, a namespace that may not be read
// or a server that does not answer is an error, never a shorter list.
package live
