package tuf

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"
)

// Copy is what a mirror gave out, as far as its signatures bear it out. Whether
// it is too old is the reader's to ask, by [Copy.Ends].
type Copy struct {
	// FetchedAt is when the mirror was asked last and answered.
	FetchedAt time.Time
	// TrustedRoot is the content of the target.
	TrustedRoot []byte
	// Versions are those of the roles root, timestamp, snapshot and targets.
	Versions map[string]int64
	// Expires is when the metadata of each role does.
	Expires map[string]time.Time

	roots                        [][]byte
	timestamp, snapshot, targets []byte
}

// The roles of TUF.
const (
	roleRoot      = "root"
	roleTimestamp = "timestamp"
	roleSnapshot  = "snapshot"
	roleTargets   = "targets"
)

func roles() []string { return []string{roleRoot, roleTimestamp, roleSnapshot, roleTargets} }

// Ends is when the copy stops to be believed, and the role whose metadata says
// so.
func (c *Copy) Ends() (role string, at time.Time) {
	for _, each := range roles() {
		if end := c.Expires[each]; role == "" || end.Before(at) {
			role, at = each, end
		}
	}
	return role, at
}

// format is the version of what a copy is saved as.
const format = 1

// saved is a copy on disk. Everything in it but the time is checked by its
// signatures when it is read, from the mirror's first root on.
type saved struct {
	Format      int       `json:"format"`
	Mirror      string    `json:"mirror"`
	FetchedAt   time.Time `json:"fetchedAt"`
	Roots       [][]byte  `json:"roots"`
	Timestamp   []byte    `json:"timestamp"`
	Snapshot    []byte    `json:"snapshot"`
	Targets     []byte    `json:"targets"`
	TrustedRoot []byte    `json:"trustedRoot"`
}

func (c *Copy) encode(mirror Mirror) ([]byte, error) {
	data, err := json.Marshal(saved{
		Format: format, Mirror: mirror.id(), FetchedAt: c.FetchedAt.UTC(), Roots: c.roots,
		Timestamp: c.timestamp, Snapshot: c.snapshot, Targets: c.targets, TrustedRoot: c.TrustedRoot,
	})
	if err != nil {
		return nil, fmt.Errorf("encoding the copy of TrustRoot %s: %w", mirror.Name, err)
	}
	return data, nil
}

// decode reads a copy and checks all its signatures, but not that it is still
// to be believed.
func decode(mirror Mirror, data []byte) (*Copy, error) {
	var from saved
	reader := json.NewDecoder(bytes.NewReader(data))
	reader.DisallowUnknownFields()
	if err := reader.Decode(&from); err != nil {
		return nil, fmt.Errorf("it cannot be read: %w", err)
	}
	if from.Format != format || from.Mirror != mirror.id() {
		return nil, errors.New("it is not this mirror's, or of another version of this program")
	}
	trusted, err := trustedmetadata.New(mirror.Root)
	if err != nil {
		return nil, fmt.Errorf("reading the first root: %w", err)
	}
	trusted.RefTime = time.Time{} // whether it has ended is asked later
	for _, root := range from.Roots {
		if _, err := trusted.UpdateRoot(root); err != nil {
			return nil, fmt.Errorf("its chain of roots is broken: %w", err)
		}
	}
	if _, err := trusted.UpdateTimestamp(from.Timestamp); err != nil {
		return nil, fmt.Errorf("its timestamp is refused: %w", err)
	}
	if _, err := trusted.UpdateSnapshot(from.Snapshot, false); err != nil {
		return nil, fmt.Errorf("its snapshot is refused: %w", err)
	}
	if _, err := trusted.UpdateTargets(from.Targets); err != nil {
		return nil, fmt.Errorf("its targets are refused: %w", err)
	}
	target := trusted.Targets[roleTargets].Signed.Targets[mirror.Target]
	if target == nil {
		return nil, fmt.Errorf("it has no target %s", mirror.Target)
	}
	if err := target.VerifyLengthHashes(from.TrustedRoot); err != nil {
		return nil, fmt.Errorf("its %s is refused: %w", mirror.Target, err)
	}
	made := &Copy{FetchedAt: from.FetchedAt, TrustedRoot: from.TrustedRoot, roots: from.Roots, timestamp: from.Timestamp, snapshot: from.Snapshot, targets: from.Targets}
	made.describe(trusted)
	return made, nil
}

// describe notes versions and ends.
func (c *Copy) describe(trusted *trustedmetadata.TrustedMetadata) {
	root, timestamp, snapshot, targets := trusted.Root.Signed, trusted.Timestamp.Signed, trusted.Snapshot.Signed, trusted.Targets[roleTargets].Signed
	c.Versions = map[string]int64{roleRoot: root.Version, roleTimestamp: timestamp.Version, roleSnapshot: snapshot.Version, roleTargets: targets.Version}
	c.Expires = map[string]time.Time{roleRoot: root.Expires, roleTimestamp: timestamp.Expires, roleSnapshot: snapshot.Expires, roleTargets: targets.Expires}
}
