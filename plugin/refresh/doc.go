// Package refresh makes a new gate reach old revisions. Argo CD keeps what a
// plugin rendered for 24 hours by commit and parameters and does not know the
// gate, so that somebody has to ask it to render again when the gate has become
// another one, when trust was withdrawn, when a waiver has ended, or when a tag
// has moved.
//
// A round compares three things: the gate's files, the records of the last
// verdicts, and the Applications in the cluster. [Concerned] says of one
// Application whether its last verdict could be another one now, and why; a
// [Refresher] asks those, the most urgent first, never faster than it was told.
// Asking is one annotation (argocd.argoproj.io/refresh: hard). Nothing else is
// ever written, and nothing is deleted.
package refresh
