package throwaway

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	"github.com/sigstore/rekor/pkg/util"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore/pkg/signature"
)

// logID is the hash of a log's public key (RFC 6962, section 3.2).
func logID(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("encoding a log's key: %w", err)
	}
	sum := sha256.Sum256(der)
	return sum[:], nil
}

func logOf(url string, key *ecdsa.PrivateKey, id []byte, from time.Time) *root.TransparencyLog {
	return &root.TransparencyLog{
		BaseURL: url, ID: id, ValidityPeriodStart: from, PublicKey: &key.PublicKey,
		HashFunc: crypto.SHA256, SignatureHashFunc: crypto.SHA256,
	}
}

// hashed is a hash in a log entry.
func hashed(data []byte) map[string]any {
	sum := sha256.Sum256(data)
	return map[string]any{"algorithm": "sha256", "value": hex.EncodeToString(sum[:])}
}

// payloadEntry is a log entry over a payload (rekor, hashedrekord 0.0.1).
func payloadEntry(payload, signature []byte, verifier string) (string, map[string]any) {
	return "hashedrekord", map[string]any{
		"data": map[string]any{"hash": hashed(payload)},
		"signature": map[string]any{
			"content":   base64.StdEncoding.EncodeToString(signature),
			"publicKey": map[string]any{"content": base64.StdEncoding.EncodeToString([]byte(verifier))},
		},
	}
}

// envelopeEntry is a log entry over an envelope (rekor, dsse 0.0.1).
func envelopeEntry(payload, signature []byte, verifier string) (string, map[string]any) {
	return "dsse", map[string]any{
		"envelopeHash": hashed(append(append([]byte{}, payload...), signature...)),
		"payloadHash":  hashed(payload),
		"signatures": []any{map[string]any{
			"signature": base64.StdEncoding.EncodeToString(signature),
			"verifier":  base64.StdEncoding.EncodeToString([]byte(verifier)),
		}},
	}
}

// record enters something into the log: the log's promise over the entry, and
// the proof that it is in a tree of one leaf.
func (s *Sigstore) record(kind string, spec map[string]any, at time.Time) (*protorekor.TransparencyLogEntry, error) {
	body, err := json.Marshal(map[string]any{"apiVersion": "0.0.1", "kind": kind, "spec": spec})
	if err != nil {
		return nil, fmt.Errorf("writing a log entry: %w", err)
	}
	id, err := logID(s.logKey)
	if err != nil {
		return nil, err
	}
	entry := &protorekor.TransparencyLogEntry{
		LogId: &protocommon.LogId{KeyId: id}, KindVersion: &protorekor.KindVersion{Kind: kind, Version: "0.0.1"},
		IntegratedTime: at.Unix(), CanonicalizedBody: body,
	}
	promise, err := s.promise(entry)
	if err != nil {
		return nil, err
	}
	entry.InclusionPromise = &protorekor.InclusionPromise{SignedEntryTimestamp: promise}
	entry.InclusionProof, err = s.proof(body)
	return entry, err
}

// logged is what the promise is over, in canonical JSON: sorted keys, and no
// character that Go's encoder would escape.
func logged(entry *protorekor.TransparencyLogEntry) map[string]any {
	return map[string]any{
		"body": base64.StdEncoding.EncodeToString(entry.CanonicalizedBody), "integratedTime": entry.IntegratedTime,
		"logID": hex.EncodeToString(entry.LogId.KeyId), "logIndex": entry.LogIndex,
	}
}

func (s *Sigstore) promise(entry *protorekor.TransparencyLogEntry) ([]byte, error) {
	data, err := json.Marshal(logged(entry))
	if err != nil {
		return nil, fmt.Errorf("signing a log entry: %w", err)
	}
	sum := sha256.Sum256(data)
	return ecdsa.SignASN1(rand.Reader, s.logKey, sum[:])
}

// logTree is the number of the log's only tree, part of its checkpoints' name.
const logTree = 1

func (s *Sigstore) proof(body []byte) (*protorekor.InclusionProof, error) {
	leaf := sha256.Sum256(append([]byte{0}, body...)) // RFC 6962, section 2.1
	signer, err := signature.LoadECDSASignerVerifier(s.logKey, crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("signing a checkpoint: %w", err)
	}
	checkpoint, err := util.CreateAndSignCheckpoint(context.Background(), "rekor.example.com", logTree, 1, leaf[:], signer)
	if err != nil {
		return nil, fmt.Errorf("signing a checkpoint: %w", err)
	}
	return &protorekor.InclusionProof{TreeSize: 1, RootHash: leaf[:], Checkpoint: &protorekor.Checkpoint{Envelope: string(checkpoint)}}, nil
}
