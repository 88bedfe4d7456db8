package tuf

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/assay-gitops/assay/plugin/gate"
)

// Mirror is one TUF repository that a TrustRoot names.
type Mirror struct {
	// Name is the TrustRoot's.
	Name string
	// Address is where the repository is, for messages and to tell mirrors apart.
	Address string
	// Root is the root.json that trust begins with.
	Root []byte
	// Targets is the folder of the targets, and Target the one that is a
	// trusted_root.json.
	Targets, Target string
}

// Source reads the files of one repository by their path in it. An error that
// unwraps to registry.ErrNotFound says that there is no such file; any other is
// no answer, or content that is refused.
type Source interface {
	File(ctx context.Context, path string, limit int64) ([]byte, error)
}

// The defaults of a TrustRoot (policy-controller, TrustRoot v1alpha1).
const (
	defaultTargets = "targets"
	defaultTarget  = "trusted_root.json"
)

// MirrorOf is the repository that a TrustRoot names; found is false when it
// names none.
func MirrorOf(root gate.TrustRoot) (mirror Mirror, found bool, err error) {
	mirror = Mirror{Name: root.Metadata.Name}
	var encoded string
	switch spec := root.Spec; {
	case spec.Remote != nil:
		encoded, mirror.Address = spec.Remote.Root, strings.TrimRight(spec.Remote.Mirror, "/")
		mirror.Targets, mirror.Target = spec.Remote.Targets, spec.Remote.TrustedRootTarget
	case spec.Repository != nil:
		encoded, mirror.Address = spec.Repository.Root, "its own file"
		mirror.Targets, mirror.Target = spec.Repository.Targets, spec.Repository.TrustedRootTarget
	default:
		return Mirror{}, false, nil
	}
	mirror.Targets, mirror.Target = cmp.Or(mirror.Targets, defaultTargets), cmp.Or(mirror.Target, defaultTarget)
	mirror.Root, err = base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return Mirror{}, true, fmt.Errorf("%s: TrustRoot %s: reading its root: %w", root.At, mirror.Name, err)
	}
	return mirror, true, nil
}

// id tells mirrors apart: two that differ in anything share nothing. A TrustRoot
// that is given another first root begins anew.
func (m Mirror) id() string {
	sum := sha256.New()
	for _, part := range []string{m.Name, m.Address, m.Targets, m.Target, string(m.Root)} {
		fmt.Fprintf(sum, "%d\x00%s", len(part), part)
	}
	return hex.EncodeToString(sum.Sum(nil))
}
