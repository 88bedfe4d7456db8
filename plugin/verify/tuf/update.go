package tuf

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"

	"github.com/assay-gitops/assay/plugin/registry"
)

// ErrRolledBack means that a mirror offers an older state than one that was
// seen before.
var ErrRolledBack = errors.New("the mirror offers an older state than was seen before")

// The most that is read of a mirror.
const (
	maxRoots       = 256 // new roots in one update
	rootBytes      = 512 << 10
	timestampBytes = 64 << 10
	snapshotBytes  = 2 << 20
	targetsBytes   = 5 << 20
	targetBytes    = 16 << 20
)

// update is one run of the client workflow.
type update struct {
	source  Source
	mirror  Mirror
	known   *Copy
	trusted *trustedmetadata.TrustedMetadata
	made    *Copy
}

// Update asks a mirror for its present state and checks it from the first root
// on, against the copy that is known (nil for none). The answer is a new copy;
// the known one is never changed. An error says why there is none:
// [ErrRolledBack], content that is refused, or no answer.
func Update(ctx context.Context, source Source, mirror Mirror, known *Copy, now time.Time) (made *Copy, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			made, err = nil, fmt.Errorf("reading TrustRoot %s from %s stopped: %v", mirror.Name, mirror.Address, cause)
		}
	}()
	trusted, err := trustedmetadata.New(mirror.Root)
	if err != nil {
		return nil, fmt.Errorf("reading the first root of TrustRoot %s: %w", mirror.Name, err)
	}
	trusted.RefTime = now
	u := &update{source: source, mirror: mirror, known: known, trusted: trusted, made: &Copy{FetchedAt: now}}
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"its roots", u.roots}, {"its timestamp", u.timestamp}, {"its snapshot", u.snapshot}, {"its targets", u.targets}, {mirror.Target, u.target},
	} {
		if err := step.do(ctx); err != nil {
			return nil, fmt.Errorf("updating TrustRoot %s from %s: reading %s: %w", mirror.Name, mirror.Address, step.what, err)
		}
	}
	u.made.describe(trusted)
	return u.made, nil
}

// roots walks from the newest root that is known to the newest that there is,
// each signed by the one before (TUF, section 5.3).
func (u *update) roots(ctx context.Context) error {
	if u.known != nil {
		for _, root := range u.known.roots {
			if err := u.root(root); err != nil {
				return err
			}
		}
	}
	for range maxRoots {
		next := u.trusted.Root.Signed.Version + 1
		data, err := u.source.File(ctx, fmt.Sprintf("%d.root.json", next), rootBytes)
		if errors.Is(err, registry.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := u.root(data); err != nil {
			return fmt.Errorf("root %d is refused: %w", next, err)
		}
	}
	return fmt.Errorf("there are more than %d new ones", maxRoots)
}

func (u *update) root(data []byte) error {
	if _, err := u.trusted.UpdateRoot(data); err != nil {
		return err
	}
	u.made.roots = append(u.made.roots, data)
	return nil
}

// timestamp reads the one file whose name says no version. The known one comes
// first, so that an older one is seen; one that the present root's keys no
// longer vouch for counts for nothing (TUF, sections 5.3.11 and 5.4).
func (u *update) timestamp(ctx context.Context) error {
	if u.known != nil {
		_, _ = u.trusted.UpdateTimestamp(u.known.timestamp) // an expired one counts too
	}
	data, err := u.source.File(ctx, "timestamp.json", timestampBytes)
	if err != nil {
		return err
	}
	_, err = u.trusted.UpdateTimestamp(data)
	var same *metadata.ErrEqualVersionNumber
	if errors.As(err, &same) {
		data, err = u.known.timestamp, nil
	}
	u.made.timestamp = data
	return rolledBack(err)
}

// snapshot is read only where the timestamp names another one than is known.
func (u *update) snapshot(ctx context.Context) error {
	wanted := u.trusted.Timestamp.Signed.Meta["snapshot.json"]
	if wanted == nil {
		return errors.New("the timestamp names no snapshot")
	}
	if u.known != nil {
		_, err := u.trusted.UpdateSnapshot(u.known.snapshot, true) // an expired one counts too
		if err == nil && wanted.VerifyLengthHashes(u.known.snapshot) == nil {
			u.made.snapshot = u.known.snapshot
			return nil
		}
	}
	data, err := u.source.File(ctx, u.versioned(wanted.Version, roleSnapshot), bound(wanted.Length, snapshotBytes))
	if err != nil {
		return err
	}
	_, err = u.trusted.UpdateSnapshot(data, false)
	u.made.snapshot = data
	return rolledBack(err)
}

func (u *update) targets(ctx context.Context) error {
	wanted := u.trusted.Snapshot.Signed.Meta["targets.json"]
	if wanted == nil {
		return errors.New("the snapshot names no targets")
	}
	if u.known != nil {
		if _, err := u.trusted.UpdateTargets(u.known.targets); err == nil {
			u.made.targets = u.known.targets
			return nil
		}
	}
	data, err := u.source.File(ctx, u.versioned(wanted.Version, roleTargets), bound(wanted.Length, targetsBytes))
	if err != nil {
		return err
	}
	_, err = u.trusted.UpdateTargets(data)
	u.made.targets = data
	return err
}

// target reads the trusted_root.json. Only top-level targets are looked at, as
// policy-controller does.
func (u *update) target(ctx context.Context) error {
	wanted := u.trusted.Targets[roleTargets].Signed.Targets[u.mirror.Target]
	if wanted == nil {
		return errors.New("the repository has no such target; keys that it describes by custom metadata are not read: ask its owner for a trusted_root.json")
	}
	if u.known != nil && wanted.VerifyLengthHashes(u.known.TrustedRoot) == nil {
		u.made.TrustedRoot = u.known.TrustedRoot
		return nil
	}
	if wanted.Length > targetBytes {
		return fmt.Errorf("it has %d bytes, which is more than %d", wanted.Length, int64(targetBytes))
	}
	data, err := u.source.File(ctx, u.targetPath(wanted.Hashes), max(wanted.Length, 1))
	if err != nil {
		return err
	}
	u.made.TrustedRoot = data
	return wanted.VerifyLengthHashes(data)
}

// targetPath has the hash in the name where the repository keeps versions apart
// (consistent snapshots; TUF, section 6.2).
func (u *update) targetPath(hashes metadata.Hashes) string {
	folder, name := path.Split(u.mirror.Target)
	if u.trusted.Root.Signed.ConsistentSnapshot {
		for _, algorithm := range slices.Sorted(maps.Keys(hashes)) {
			name = hex.EncodeToString(hashes[algorithm]) + "." + path.Base(u.mirror.Target)
			break
		}
	}
	return path.Join(u.mirror.Targets, folder, name)
}

func (u *update) versioned(version int64, role string) string {
	if u.trusted.Root.Signed.ConsistentSnapshot {
		return fmt.Sprintf("%d.%s.json", version, role)
	}
	return role + ".json"
}

// bound is the length that signed metadata gives, where it gives one, within
// what is read at all.
func bound(length, most int64) int64 {
	if length > 0 && length < most {
		return length
	}
	return most
}

// rolledBack names an attack by its name.
func rolledBack(err error) error {
	var version *metadata.ErrBadVersionNumber
	if errors.As(err, &version) {
		return fmt.Errorf("%w: %w", ErrRolledBack, err)
	}
	return err
}
