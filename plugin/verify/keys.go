package verify

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"

	"time"
)

// publicKey is one key of an authority. Its material differs by format only
// for elliptic curves beyond P-256: what signs bundles takes the curve's own
// hash, while the older format takes the declared one (SHA-256).
type publicKey struct {
	// fingerprint is "sha256:<hex of the DER public key>".
	fingerprint string
	legacy      root.TimeConstrainedVerifier
	bundle      []root.TimeConstrainedVerifier
}

// hashAlgorithms are the values of a key's hashAlgorithm.
func hashAlgorithm(name string) (crypto.Hash, error) {
	switch name {
	case "", "sha256":
		return crypto.SHA256, nil
	case "sha384":
		return crypto.SHA384, nil
	case "sha512":
		return crypto.SHA512, nil
	}
	return 0, fmt.Errorf("hashAlgorithm is %q, want sha256, sha384 or sha512", name)
}

// keys compiles the public keys of an authority.
func (c compiler) keys(at plugin.Origin, ref gate.KeyRef) ([]publicKey, error) {
	hash, err := hashAlgorithm(ref.HashAlgorithm)
	if err != nil {
		return nil, err
	}
	data, err := c.keyData(at, ref)
	if err != nil {
		return nil, err
	}
	var keys []publicKey
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		key, err := parseKey(block, hash, ref.HashAlgorithm == "")
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", len(keys)+1, err)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("key holds no PEM public key")
	}
	return keys, nil
}

// keyService gives the public key that a URI names, as PEM text.
type keyService func(uri string) ([]byte, error)

// keyData is the PEM text of a key: its own, a file's, or a key service's.
func (c compiler) keyData(at plugin.Origin, ref gate.KeyRef) ([]byte, error) {
	given := 0
	for _, text := range []string{ref.Data, ref.File, ref.KMS} {
		if text != "" {
			given++
		}
	}
	switch {
	case given != 1:
		return nil, fmt.Errorf("key needs either data or file or kms, and has %d of them", given)
	case ref.KMS != "":
		return c.service(ref.KMS)
	case ref.File != "":
		return c.files.read(at, ref.File)
	}
	return []byte(ref.Data), nil
}

func parseKey(block *pem.Block, hash crypto.Hash, anyHash bool) (publicKey, error) {
	if strings.Contains(block.Type, "PRIVATE") {
		return publicKey{}, fmt.Errorf("the PEM block is %q: a private key does not belong in a policy", block.Type)
	}
	parsed, err := cryptoutils.UnmarshalPEMToPublicKey(pem.EncodeToMemory(block))
	if err != nil {
		return publicKey{}, fmt.Errorf("parsing the PEM block %q: %w", block.Type, err)
	}
	if err := cryptoutils.ValidatePubKey(parsed); err != nil {
		return publicKey{}, fmt.Errorf("checking the key: %w", err)
	}
	declared, err := signature.LoadVerifier(parsed, hash)
	if err != nil {
		return publicKey{}, err
	}
	der, err := x509.MarshalPKIXPublicKey(parsed)
	if err != nil {
		return publicKey{}, err
	}
	sum := sha256.Sum256(der)
	key := publicKey{fingerprint: "sha256:" + hex.EncodeToString(sum[:]), legacy: alwaysValid(declared)}
	key.bundle = []root.TimeConstrainedVerifier{key.legacy}
	if details, err := signature.GetDefaultAlgorithmDetails(parsed); err == nil && anyHash && details.GetHashType() != 0 && details.GetHashType() != hash {
		own, err := signature.LoadVerifier(parsed, details.GetHashType())
		if err != nil {
			return publicKey{}, err
		}
		key.bundle = append(key.bundle, alwaysValid(own))
	}
	return key, nil
}

func alwaysValid(verifier signature.Verifier) root.TimeConstrainedVerifier {
	return root.NewExpiringKey(verifier, time.Time{}, time.Time{})
}
