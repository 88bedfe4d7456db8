package plugin

import "context"

// LockPolicy says how the application's images.lock.yaml is used.
type LockPolicy struct {
	// Required denies a tag without an entry (image/not-locked).
	Required bool
	// Drift says what happens when the registry's answer for a locked tag is
	// another digest.
	Drift LockDrift
}

// LockDrift is what a moved tag means. The zero value denies.
type LockDrift int

const (
	// DriftDeny asks the registry and denies.
	DriftDeny LockDrift = iota
	// DriftWarn asks the registry and warns.
	DriftWarn
	// DriftIgnore does not ask.
	DriftIgnore
)

// LockFile is the name of the lock file beside the application.
const LockFile = "images.lock.yaml"

func (p LockPolicy) resolve(ctx context.Context, source Source, resolver Resolver, images []Image) []Finding {
	return nil
}
