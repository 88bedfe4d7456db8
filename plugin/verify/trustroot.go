package verify

import (
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/assay-gitops/assay/plugin/gate"
	prototrust "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"
	"github.com/sigstore/sigstore-go/pkg/root"
)

//go:embed data/public-good.json
var publicGoodJSON []byte

// trustRoot is one loaded set of authorities.
type trustRoot struct {
	name string
	// embedded marks the public-good root that assay brings along.
	embedded bool
	material *root.TrustedRoot
	// newest is the latest beginning of validity of any part.
	newest time.Time
	// mirrored is set for a root that a TUF repository gives out; it may have no
	// material, or end.
	mirrored *Mirrored
}

// RootInfo tells the age of a trust root.
type RootInfo struct {
	Name string
	// Embedded is set for the public-good root that comes with assay.
	Embedded bool
	// Newest is when the newest key or authority in it became valid; zero when
	// it does not say (inline keys). A root much older than its instance's last
	// key change cannot verify what was signed since.
	Newest time.Time
	// Age is the time since Newest.
	Age time.Duration
	// Mirrored is set for a root that a TUF repository gives out.
	Mirrored *Mirrored
}

// Roots lists the trust roots, sorted by name.
func (v *Verifier) Roots() []RootInfo {
	var infos []RootInfo
	for _, name := range sortedNames(v.roots) {
		known := v.roots[name]
		info := RootInfo{Name: name, Embedded: known.embedded, Newest: known.newest, Mirrored: known.mirrored}
		if !known.newest.IsZero() {
			info.Age = v.config.Clock().Sub(known.newest)
		}
		infos = append(infos, info)
	}
	return infos
}

// loadTrustRoots parses every trust root, used or not: a broken file is found
// on the day it is written.
func loadTrustRoots(config Config, files files) (map[string]*trustRoot, error) {
	roots := map[string]*trustRoot{}
	var problems []error
	for _, declaration := range config.TrustRoots {
		name := declaration.Metadata.Name
		if roots[name] != nil {
			problems = append(problems, refuse(declaration.At, "TrustRoot %s is declared twice", name))
			continue
		}
		loaded, err := loadTrustRoot(declaration, config.Mirrored[name], files)
		if err != nil {
			problems = append(problems, refuse(declaration.At, "TrustRoot %s: %v", name, err))
			continue
		}
		roots[name] = loaded
	}
	if roots[gate.PublicGood] == nil {
		loaded, err := trustRootFromJSON(gate.PublicGood, publicGoodJSON)
		if err != nil {
			problems = append(problems, fmt.Errorf("loading the embedded trust root: %w", err))
		} else {
			loaded.embedded = true
			roots[gate.PublicGood] = loaded
		}
	}
	return roots, errors.Join(problems...)
}

func loadTrustRoot(declared gate.TrustRoot, mirrored Mirrored, files files) (*trustRoot, error) {
	name, spec := declared.Metadata.Name, declared.Spec
	switch {
	case name == "":
		return nil, errors.New("it has no name")
	case spec.Remote != nil || spec.Repository != nil:
		return mirrored.load(name)
	case spec.TrustedRoot != "":
		return trustRootFromJSON(name, []byte(spec.TrustedRoot))
	case (spec.SigstoreKeys == nil) == (spec.TrustedRootFile == ""):
		return nil, errors.New("it needs either sigstoreKeys or trustedRootFile")
	case spec.TrustedRootFile != "":
		data, err := files.read(declared.At, spec.TrustedRootFile)
		if err != nil {
			return nil, err
		}
		return trustRootFromJSON(name, data)
	}
	proto, err := convertKeys(*spec.SigstoreKeys)
	if err != nil {
		return nil, err
	}
	return trustRootFromProto(name, proto)
}

// trustRootFromJSON reads a trusted_root.json (sigstore protobuf-specs,
// dev.sigstore.trustroot.v1.TrustedRoot).
func trustRootFromJSON(name string, data []byte) (*trustRoot, error) {
	proto, err := root.NewTrustedRootProtobuf(data)
	if err != nil {
		return nil, fmt.Errorf("parsing trusted root: %w", err)
	}
	return trustRootFromProto(name, proto)
}

func trustRootFromProto(name string, proto *prototrust.TrustedRoot) (*trustRoot, error) {
	material, err := root.NewTrustedRootFromProtobuf(proto)
	if err != nil {
		return nil, fmt.Errorf("reading trusted root: %w", err)
	}
	loaded := &trustRoot{name: name, material: material, newest: newestStart(proto)}
	if len(material.FulcioCertificateAuthorities())+len(material.RekorLogs())+len(material.TimestampingAuthorities()) == 0 {
		return nil, errors.New("it holds no certificate authority, no log and no timestamp authority")
	}
	return loaded, nil
}

func newestStart(proto *prototrust.TrustedRoot) time.Time {
	var newest time.Time
	note := func(seconds int64) {
		if start := time.Unix(seconds, 0).UTC(); seconds > 0 && start.After(newest) {
			newest = start
		}
	}
	for _, log := range append(append([]*prototrust.TransparencyLogInstance{}, proto.GetTlogs()...), proto.GetCtlogs()...) {
		note(log.GetPublicKey().GetValidFor().GetStart().GetSeconds())
	}
	for _, authority := range append(append([]*prototrust.CertificateAuthority{}, proto.GetCertificateAuthorities()...), proto.GetTimestampAuthorities()...) {
		note(authority.GetValidFor().GetStart().GetSeconds())
	}
	return newest
}

// ended reports whether every certificate authority of the root is past its
// validity: nothing that is signed today can be verified by it.
func (t *trustRoot) ended(at time.Time) bool {
	authorities := t.material.FulcioCertificateAuthorities()
	for _, authority := range authorities {
		fulcio, ok := authority.(*root.FulcioCertificateAuthority)
		if !ok || !endOf(fulcio.ValidityPeriodEnd, fulcio.Root.NotAfter).Before(at) {
			return false
		}
	}
	return len(authorities) > 0
}

// stampsEnded is ended for the timestamp authorities.
func (t *trustRoot) stampsEnded(at time.Time) bool {
	authorities := t.material.TimestampingAuthorities()
	for _, authority := range authorities {
		stamps, ok := authority.(*root.SigstoreTimestampingAuthority)
		if !ok || stamps.Root == nil || !endOf(stamps.ValidityPeriodEnd, stamps.Root.NotAfter).Before(at) {
			return false
		}
	}
	return len(authorities) > 0
}

// endOf is the earlier of a declared end, if there is one, and the root
// certificate's.
func endOf(declared, certificate time.Time) time.Time {
	if !declared.IsZero() && declared.Before(certificate) {
		return declared
	}
	return certificate
}
