package sandbox

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/cyberphone/json-canonicalization/go/src/webpki.org/jsoncanonicalizer"
	"github.com/digitorus/timestamp"
	"github.com/go-openapi/runtime"
	"github.com/sigstore/rekor/pkg/generated/models"
	"github.com/sigstore/rekor/pkg/types"
	rekorutil "github.com/sigstore/rekor/pkg/util"
	"github.com/sigstore/sigstore/pkg/signature"

	// The kinds of entries that cosign proposes.
	_ "github.com/sigstore/rekor/pkg/types/dsse/v0.0.1"
	_ "github.com/sigstore/rekor/pkg/types/hashedrekord/v0.0.1"
	_ "github.com/sigstore/rekor/pkg/types/intoto/v0.0.2"
)

// serveRekor answers a proposed entry as Rekor v1 does. Every entry is the one
// leaf of a tree of its own: clients check that an entry is in the tree whose
// head is signed, never how two trees belong together.
func (s *Sigstore) serveRekor(w http.ResponseWriter, r *http.Request) {
	entry, id, err := s.logEntry(r.Context(), r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("ETag", id)
	w.Header().Set("Location", "/api/v1/log/entries/"+id)
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(models.LogEntry{id: entry}) // the client sees a broken answer itself
}

func (s *Sigstore) logEntry(ctx context.Context, body io.Reader) (models.LogEntryAnon, string, error) {
	var none models.LogEntryAnon
	proposed, err := models.UnmarshalProposedEntry(body, runtime.JSONConsumer())
	if err != nil {
		return none, "", fmt.Errorf("reading the proposed entry: %w", err)
	}
	version, err := types.CreateVersionedEntry(proposed)
	if err != nil {
		return none, "", fmt.Errorf("understanding the proposed entry: %w", err)
	}
	canonical, err := types.CanonicalizeEntry(ctx, version)
	if err != nil {
		return none, "", fmt.Errorf("writing the entry: %w", err)
	}
	leaf := sha256.Sum256(append([]byte{0}, canonical...)) // RFC 6962, 2.1: MTH({d(0)}) = SHA-256(0x00 || d(0))
	signer, err := signature.LoadECDSASignerVerifier(s.keys.logKey, crypto.SHA256)
	if err != nil {
		return none, "", fmt.Errorf("loading the log's key: %w", err)
	}
	checkpoint, err := rekorutil.CreateAndSignCheckpoint(ctx, s.host, 1, 1, leaf[:], signer)
	if err != nil {
		return none, "", fmt.Errorf("signing the tree head: %w", err)
	}
	promise := map[string]any{
		"body": base64.StdEncoding.EncodeToString(canonical), "integratedTime": time.Now().Unix(), "logIndex": 0, "logID": s.logID(),
	}
	encoded, err := json.Marshal(promise)
	if err != nil {
		return none, "", fmt.Errorf("encoding the promise: %w", err)
	}
	toSign, err := jsoncanonicalizer.Transform(encoded)
	if err != nil {
		return none, "", fmt.Errorf("encoding the promise: %w", err)
	}
	set, err := signer.SignMessage(bytes.NewReader(toSign))
	if err != nil {
		return none, "", fmt.Errorf("signing the promise: %w", err)
	}
	integrated, index, size := promise["integratedTime"].(int64), int64(0), int64(1)
	head, head64, id := hex.EncodeToString(leaf[:]), string(checkpoint), s.logID()
	return models.LogEntryAnon{
		Body: promise["body"], IntegratedTime: &integrated, LogID: &id, LogIndex: &index,
		Verification: &models.LogEntryAnonVerification{
			SignedEntryTimestamp: set,
			InclusionProof:       &models.InclusionProof{Checkpoint: &head64, Hashes: []string{}, LogIndex: &index, RootHash: &head, TreeSize: &size},
		},
	}, head, nil
}

// logID is the log's id: the hash of its public key.
func (s *Sigstore) logID() string {
	der, err := x509.MarshalPKIXPublicKey(&s.keys.logKey.PublicKey)
	if err != nil {
		panic(err) // an ECDSA key encodes
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// serveTimestamp is the timestamp authority (RFC 3161, 3.4).
func (s *Sigstore) serveTimestamp(w http.ResponseWriter, r *http.Request) {
	answer, err := s.stamp(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/timestamp-reply")
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write(answer) // the client sees a broken answer itself
}

func (s *Sigstore) stamp(body io.Reader) ([]byte, error) {
	query, err := io.ReadAll(io.LimitReader(body, 1<<16))
	if err != nil {
		return nil, fmt.Errorf("reading the query: %w", err)
	}
	request, err := timestamp.ParseRequest(query)
	if err != nil {
		return nil, fmt.Errorf("reading the query: %w", err)
	}
	stamp := timestamp.Timestamp{
		HashAlgorithm: request.HashAlgorithm, HashedMessage: request.HashedMessage, Time: time.Now(), Nonce: request.Nonce,
		Policy: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 2}, Certificates: nil, AddTSACertificate: true, SerialNumber: serial(),
	}
	answer, err := stamp.CreateResponseWithOpts(s.keys.stamping, s.keys.stampingKey, crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("signing the timestamp: %w", err)
	}
	return answer, nil
}
