package verify

import (
	"fmt"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
)

// Mirrored is the copy of a trust root that a TUF repository gives out. It is
// made outside of a verification: nothing here asks anybody.
type Mirrored struct {
	// TrustedRoot is the trusted_root.json; empty when there is no copy.
	TrustedRoot []byte
	// FetchedAt is when the repository answered last.
	FetchedAt time.Time
	// Ends is when the copy stops to be believed by its own metadata, and Role
	// the role whose metadata says so; Grace is added to it.
	Ends  time.Time
	Role  string
	Grace time.Duration
	// Trouble is why the repository gave no newer copy when it was asked last;
	// empty when it did.
	Trouble string
}

// CheckTrustedRoot refuses what is no trusted_root.json, or one that holds
// nothing.
func CheckTrustedRoot(data []byte) error {
	_, err := trustRootFromJSON("", data)
	return err
}

// load reads the copy. A root without one, or with one that cannot be read, is
// loaded all the same: what it is needed for is undetermined, and the rest goes
// on.
func (m Mirrored) load(name string) (*trustRoot, error) {
	if len(m.TrustedRoot) > 0 {
		loaded, err := trustRootFromJSON(name, m.TrustedRoot)
		if err == nil {
			loaded.mirrored = &m
			return loaded, nil
		}
		m.Trouble = fmt.Sprintf("the trusted_root.json of the repository is not used: %v", err)
		m.TrustedRoot = nil
	}
	return &trustRoot{name: name, material: &root.TrustedRoot{}, mirrored: &m}, nil
}

// Unusable says why nothing can be verified by the copy at a time; empty when
// something can.
func (m *Mirrored) Unusable(at time.Time) string {
	why := ""
	switch {
	case m == nil:
		return ""
	case len(m.TrustedRoot) == 0:
		why = "there is no copy of it yet"
	case !m.Ends.Add(m.Grace).After(at):
		why = fmt.Sprintf("the %s of its copy expired on %s", m.Role, m.Ends.UTC().Format(time.RFC3339))
		if m.Grace > 0 {
			why += fmt.Sprintf(", and its grace of %s is over", m.Grace)
		}
	default:
		return ""
	}
	if m.Trouble != "" {
		why += ": " + m.Trouble
	}
	return why
}

// unusable names the trust root by which this authority can verify nothing, and
// why. That is no answer: nothing was looked at.
func (a *authority) unusable(at time.Time) string {
	for _, part := range []*trustRoot{a.parts.certificates, a.parts.logs, a.parts.stamps} {
		if part == nil {
			continue
		}
		if why := part.mirrored.Unusable(at); why != "" {
			return fmt.Sprintf("TrustRoot %s cannot be used: %s", part.name, why)
		}
	}
	return ""
}

// absent reports whether some part has no material to be checked at load.
func (p trustParts) absent() bool {
	for _, part := range []*trustRoot{p.certificates, p.logs, p.stamps} {
		if part != nil && part.mirrored != nil && len(part.mirrored.TrustedRoot) == 0 {
			return true
		}
	}
	return false
}
