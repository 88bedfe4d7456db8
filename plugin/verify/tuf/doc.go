// Package tuf keeps trust roots that are given out by mirrors of The Update
// Framework (TUF specification 1.0, section 5, the client workflow): it brings a
// copy up to date, refuses what is older than the copy, and keeps the last good
// one on disk.
//
// It has no state of its own: every mirror has a copy, a source and a place of
// its own, and whoever asks says what time it is. The signatures, versions and
// ends are checked by go-tuf; reading and keeping are done here, so that every
// read is bounded and ends with its context.
package tuf
