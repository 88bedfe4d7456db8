// Package hydrated proves branches that Argo CD's Source Hydrator wrote: what
// lies in the branch is, byte for byte, what the gate makes of the commit that it
// says to come from, and that commit is one of the branch that authors write.
//
// Argo CD syncs a hydrated branch without a plugin, so whoever writes that branch
// is trusted at the sync. The proof finds out who else wrote it.
package hydrated
