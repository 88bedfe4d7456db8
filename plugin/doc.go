// Package plugin is the vocabulary of assay and the one function that every
// front door calls: [Pipeline.Run].
//
// A run reads as the sentence that the project promises:
//
//	render -> mutate -> find images -> resolve -> verify -> harden -> seal -> judge -> account -> decide
//
// Each stage stands behind a small interface that is declared here and
// implemented in a package above this one (render, registry, verify, harden,
// policy). This package imports none of them and no heavy dependency, so that
// anything may import it.
//
// Three rules hold throughout. The zero value of whatever carries a decision
// denies. "No" and "no answer" are different values ([Deny], [Undetermined]).
// And nothing leaves a run but the [Verdict], whose manifests exist only when
// it is allowed.
package plugin
