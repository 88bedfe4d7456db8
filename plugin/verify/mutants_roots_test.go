package verify

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	prototrust "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"
	"github.com/sigstore/sigstore-go/pkg/root"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func encoded(kind string, content []byte) string {
	return base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}))
}

func encodedKey(t *testing.T, curve elliptic.Curve) string {
	t.Helper()
	private, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return encoded("PUBLIC KEY", der)
}

func TestNew_BrokenInlineKeysAreRefused(t *testing.T) {
	for reason, change := range map[string]func(*gate.SigstoreKeys){
		"": func(k *gate.SigstoreKeys) { k.TLogs[0].HashAlgorithm = "sha256" },
		"parsing certificate 1": func(k *gate.SigstoreKeys) {
			k.CertificateAuthorities[0].CertChain = encoded("CERTIFICATE", []byte("x"))
		},
		"ctLogs[0].publicKey":                    func(k *gate.SigstoreKeys) { k.CTLogs[0].PublicKey = "AAAA" },
		"ctLogs[0].hashAlgorithm":                func(k *gate.SigstoreKeys) { k.CTLogs[0].HashAlgorithm = "" },
		"tLogs[0].publicKey: decoding base64":    func(k *gate.SigstoreKeys) { k.TLogs[0].PublicKey += "!" },
		"tLogs[0].publicKey: parsing public key": func(k *gate.SigstoreKeys) { k.TLogs[0].PublicKey = encoded("PUBLIC KEY", []byte("x")) },
		"tLogs[0].publicKey: *ecdsa.PublicKey of that size is not supported": func(k *gate.SigstoreKeys) {
			k.TLogs[0].PublicKey = encodedKey(t, elliptic.P224())
		},
	} {
		w := newWorld(t)
		keys(change)(&w.config)
		checkNew(t, w.config, reason)
	}
}

func TestKeyDetails_NameKindAndSize(t *testing.T) {
	ofBits := func(bits uint) *rsa.PublicKey { return &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), bits-1)} }
	for _, row := range []struct {
		key  any
		want protocommon.PublicKeyDetails
	}{
		{&ecdsa.PublicKey{Curve: elliptic.P256()}, protocommon.PublicKeyDetails_PKIX_ECDSA_P256_SHA_256},
		{&ecdsa.PublicKey{Curve: elliptic.P384()}, protocommon.PublicKeyDetails_PKIX_ECDSA_P384_SHA_384},
		{&ecdsa.PublicKey{Curve: elliptic.P521()}, protocommon.PublicKeyDetails_PKIX_ECDSA_P521_SHA_512},
		{&ecdsa.PublicKey{Curve: elliptic.P224()}, 0},
		{ofBits(2048), protocommon.PublicKeyDetails_PKIX_RSA_PKCS1V15_2048_SHA256},
		{ofBits(3072), protocommon.PublicKeyDetails_PKIX_RSA_PKCS1V15_3072_SHA256},
		{ofBits(4096), protocommon.PublicKeyDetails_PKIX_RSA_PKCS1V15_4096_SHA256},
		{ofBits(1024), 0},
		{ed25519.PublicKey{}, protocommon.PublicKeyDetails_PKIX_ED25519},
		{"no key", 0},
	} {
		if got, err := keyDetails(row.key); got != row.want || (err != nil) != (row.want == 0) {
			t.Errorf("%T: %s, error %v, want %s", row.key, got, err, row.want)
		}
	}
}

func TestNew_TrustRootWithoutANameIsRefused(t *testing.T) {
	w := newWorld(t)
	w.trust("", w.sigstore)
	checkNew(t, w.config, "it has no name")
}

func TestNew_TrustRootFileThatIsNoneIsRefused(t *testing.T) {
	for content, reason := range map[string]string{
		"garbage":           "parsing trusted root",
		`{"mediaType":"x"}`: "reading trusted root",
	} {
		w := newWorld(t)
		if err := os.WriteFile(filepath.Join(w.config.Dir, "root.json"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		w.config.TrustRoots[0].Spec = gate.TrustRootSpec{TrustedRootFile: "root.json"}
		checkNew(t, w.config, reason)
	}
}

func TestNewestStart_LooksAtEveryPart(t *testing.T) {
	const seconds = 1700000000
	valid := &protocommon.TimeRange{Start: &timestamppb.Timestamp{Seconds: seconds}}
	logs := []*prototrust.TransparencyLogInstance{{PublicKey: &protocommon.PublicKey{ValidFor: valid}}}
	authorities := []*prototrust.CertificateAuthority{{ValidFor: valid}}
	for name, proto := range map[string]*prototrust.TrustedRoot{
		"log": {Tlogs: logs}, "certificate log": {Ctlogs: logs},
		"certificate authority": {CertificateAuthorities: authorities}, "timestamp authority": {TimestampAuthorities: authorities},
	} {
		if got := newestStart(proto); got.Unix() != seconds {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// rootOf is a trust root of these authorities alone.
func rootOf(t *testing.T, authorities []root.CertificateAuthority, stamps []root.TimestampingAuthority) *trustRoot {
	t.Helper()
	material, err := root.NewTrustedRoot(root.TrustedRootMediaType01, authorities, nil, stamps, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &trustRoot{name: "made", material: material}
}

// What does not say when it ends has not ended.
func TestTrustRoot_HasEndedOnlyWhenEveryAuthoritySaysSo(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	old := &x509.Certificate{NotAfter: now.AddDate(0, 0, -1)}
	fulcio, stamp := &root.FulcioCertificateAuthority{Root: old}, &root.SigstoreTimestampingAuthority{Root: old}
	for name, row := range map[string]struct {
		authorities []root.CertificateAuthority
		stamps      []root.TimestampingAuthority
		want        bool
	}{
		"all ended":       {[]root.CertificateAuthority{fulcio}, []root.TimestampingAuthority{stamp}, true},
		"none":            {nil, nil, false},
		"of another kind": {[]root.CertificateAuthority{fixedTime{}, fulcio}, []root.TimestampingAuthority{struct{ root.TimestampingAuthority }{}, stamp}, false},
	} {
		made := rootOf(t, row.authorities, row.stamps)
		if made.ended(now) != row.want || made.stampsEnded(now) != row.want {
			t.Errorf("%s: ended %v, stamps ended %v, want %v", name, made.ended(now), made.stampsEnded(now), row.want)
		}
	}
	if rootOf(t, nil, []root.TimestampingAuthority{&root.SigstoreTimestampingAuthority{}}).stampsEnded(now) {
		t.Error("a timestamp authority without a certificate has ended")
	}
}

func TestEndOf_IsTheEarlier(t *testing.T) {
	early, late := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, row := range []struct{ declared, certificate, want time.Time }{{early, late, early}, {late, early, early}, {time.Time{}, late, late}} {
		if got := endOf(row.declared, row.certificate); got != row.want {
			t.Errorf("%+v: %s", row, got)
		}
	}
}

func TestMaterial_TrustsOnlyWhatItsPartsHold(t *testing.T) {
	none := material{}
	if len(none.FulcioCertificateAuthorities())+len(none.CTLogs())+len(none.RekorLogs())+len(none.TimestampingAuthorities()) != 0 {
		t.Error("without any part it trusts something")
	}
	known := publicGood(t)
	logs := material{trustParts: trustParts{logs: known}}
	if got, want := len(logs.TimestampingAuthorities()), len(known.material.TimestampingAuthorities()); got != want || want == 0 {
		t.Errorf("%d timestamp authorities beside the log, want %d", got, want)
	}
}

// discover asks for the signers with the throw-away root as it was changed.
func discover(t *testing.T, change func(*world), sign func(*world)) []Signer {
	t.Helper()
	w := newWorld(t)
	w.config.Policies = nil
	change(w)
	sign(w)
	signers, err := w.verifier().Discover(w.ctx, w.image("a"))
	if err != nil {
		t.Fatal(err)
	}
	return signers
}

// A signer is named when everything that the root can check holds: its
// certificate log, its log, or else its timestamp authority.
func TestDiscover_ChecksAllThatTheRootCan(t *testing.T) {
	noLog := func(k *gate.SigstoreKeys) { k.TLogs = nil }
	bare := func(k *gate.SigstoreKeys) { k.TLogs, k.TimestampAuthorities = nil, nil }
	for name, row := range map[string]struct {
		change func(*gate.SigstoreKeys)
		lacks  throwaway.Parts
		named  bool
	}{
		"whole":                               {func(*gate.SigstoreKeys) {}, throwaway.Parts{}, true},
		"root with a log, no timestamp":       {func(*gate.SigstoreKeys) {}, throwaway.Parts{Timestamp: true}, true},
		"root with a log, no entry":           {func(*gate.SigstoreKeys) {}, throwaway.Parts{Log: true}, false},
		"root without a log, no entry":        {noLog, throwaway.Parts{Log: true}, true},
		"root without a log, no timestamp":    {noLog, throwaway.Parts{Log: true, Timestamp: true}, false},
		"root of certificates, neither":       {bare, throwaway.Parts{Log: true, Timestamp: true}, true},
		"root with a certificate log, no SCT": {func(*gate.SigstoreKeys) {}, throwaway.Parts{SCT: true}, false},
		"root without one, no SCT":            {func(k *gate.SigstoreKeys) { k.CTLogs = nil }, throwaway.Parts{SCT: true}, true},
	} {
		who := builds()
		who.LeaveOut = row.lacks
		signers := discover(t, func(w *world) { keys(row.change)(&w.config) }, func(w *world) { w.sign(w.image("a"), who) })
		if len(signers) != 1 || (signers[0].Subject == subject) != row.named {
			t.Errorf("%s: signers %+v, named should be %v", name, signers, row.named)
		}
	}
}

func TestDiscover_TellsWhyABundleCannotBeRead(t *testing.T) {
	signers := discover(t, func(*world) {}, func(w *world) { w.refer(w.image("a"), []byte("garbage"), "") })
	if len(signers) != 1 || signers[0].Key || signers[0].Reason == "" {
		t.Errorf("signers %+v, want one with a reason", signers)
	}
}

func TestDiscover_LegacySignatureByAKey(t *testing.T) {
	signers := discover(t, func(*world) {}, func(w *world) {
		image := w.image("a")
		w.signLegacy(image, image, throwaway.Signer{Key: newKey(t, "ecdsa-p256")})
	})
	if len(signers) != 1 || !signers[0].Key || signers[0].Format != formatLegacy {
		t.Errorf("signers %+v, want a key", signers)
	}
}

// A root without a certificate authority cannot say who signed, so its reason
// is none.
func TestDiscover_RootsWithoutACertificateAuthorityAreNotAsked(t *testing.T) {
	other, _ := throwaway.New()
	signers := discover(t, func(w *world) {
		w.trust("z", other)
		keys := w.config.TrustRoots[1].Spec.SigstoreKeys
		keys.CertificateAuthorities, keys.CTLogs = nil, nil
	}, func(w *world) {
		w.sigstore = other
		w.sign(w.image("a"), builds())
	})
	if len(signers) != 1 || signers[0].Reason != "it has no entry of the trusted transparency log" {
		t.Errorf("signers %+v, want the other root's reason", signers)
	}
}
