package throwaway

import (
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/digitorus/timestamp"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
)

// mostRequest bounds what a service reads, in bytes.
const mostRequest = 1 << 20

// Services answers as a Fulcio (/api/v2/signingCert), a Rekor
// (/api/v1/log/entries) and a timestamp authority (/api/v1/timestamp) do, for
// whoever comes with that identity token: who gets the certificates. It stands
// in for their servers, which bring databases with them; the certificates, log
// entries and timestamps are real, and this Sigstore's trust root verifies them.
func (s *Sigstore) Services(token string, who Signer) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v2/signingCert", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		answerWith(w, r, func(text []byte) (any, error) { return s.signingCertificate(text, who) })
	})
	mux.HandleFunc("POST /api/v1/log/entries", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", entryName)
		w.Header().Set("Location", "/api/v1/log/entries/"+entryName)
		answerWith(w, r, s.logEntry)
	})
	mux.HandleFunc("POST /api/v1/timestamp", func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(io.LimitReader(r.Body, mostRequest))
		if err == nil {
			text, err = s.answerStamp(text)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write(text) // a client that is gone asks again
	})
	return mux
}

// SigningConfig is a signing config (protobuf-specs, SigningConfig) that names
// the services at an address.
func (s *Sigstore) SigningConfig(address string) string {
	service := func(path string) string {
		return fmt.Sprintf(`[{"url": %q, "majorApiVersion": 1, "validFor": {"start": "2020-01-01T00:00:00Z"}, "operator": "throwaway"}]`, address+path)
	}
	return fmt.Sprintf(`{"mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json", "caUrls": %s, "rekorTlogUrls": %s, "rekorTlogConfig": {"selector": "ANY"}, "tsaUrls": %s, "tsaConfig": {"selector": "ANY"}}`,
		service(""), service(""), service("/api/v1/timestamp"))
}

// entryName is the name of every entry: each log has one.
const entryName = "24296fb24b8ad77a0000000000000000000000000000000000000000000000000000000000000000"

func answerWith(w http.ResponseWriter, r *http.Request, answer func(text []byte) (any, error)) {
	text, err := io.ReadAll(io.LimitReader(r.Body, mostRequest))
	var said any
	if err == nil {
		said, err = answer(text)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	status := http.StatusOK
	if w.Header().Get("Location") != "" {
		status = http.StatusCreated
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(said) // a client that is gone asks again
}

// signingCertificate answers Fulcio's request for a certificate.
func (s *Sigstore) signingCertificate(text []byte, who Signer) (any, error) {
	var request struct {
		PublicKeyRequest struct {
			PublicKey struct{ Content string } `json:"publicKey"`
		} `json:"publicKeyRequest"`
	}
	if err := json.Unmarshal(text, &request); err != nil {
		return nil, err
	}
	public, err := cryptoutils.UnmarshalPEMToPublicKey([]byte(request.PublicKeyRequest.PublicKey.Content))
	if err != nil {
		return nil, err
	}
	certificate, err := s.certify(who, public, time.Now())
	if err != nil {
		return nil, err
	}
	var chain []string
	for _, each := range []*x509.Certificate{certificate, s.fulcio.certificate} {
		chain = append(chain, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: each.Raw})))
	}
	return map[string]any{"signedCertificateEmbeddedSct": map[string]any{"chain": map[string]any{"certificates": chain}}}, nil
}

// logEntry answers Rekor's request to enter an envelope.
func (s *Sigstore) logEntry(text []byte) (any, error) {
	var proposed struct {
		Spec struct {
			ProposedContent struct {
				Envelope  string   `json:"envelope"`
				Verifiers [][]byte `json:"verifiers"`
			} `json:"proposedContent"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(text, &proposed); err != nil {
		return nil, err
	}
	content := proposed.Spec.ProposedContent
	var envelope struct {
		Payload    []byte `json:"payload"`
		Signatures []struct {
			Sig []byte `json:"sig"`
		} `json:"signatures"`
	}
	if err := json.Unmarshal([]byte(content.Envelope), &envelope); err != nil {
		return nil, err
	}
	if len(envelope.Signatures) != 1 || len(content.Verifiers) != 1 {
		return nil, errors.New("it has to have one signature")
	}
	kind, spec := envelopeEntry(envelope.Payload, envelope.Signatures[0].Sig, string(content.Verifiers[0]))
	entry, err := s.record(kind, spec, time.Now())
	if err != nil {
		return nil, err
	}
	answer := logged(entry)
	proof := entry.InclusionProof
	answer["verification"] = map[string]any{
		"signedEntryTimestamp": base64.StdEncoding.EncodeToString(entry.InclusionPromise.SignedEntryTimestamp),
		"inclusionProof": map[string]any{
			"checkpoint": proof.Checkpoint.Envelope, "hashes": []string{}, "logIndex": proof.LogIndex,
			"rootHash": hex.EncodeToString(proof.RootHash), "treeSize": proof.TreeSize,
		},
	}
	return map[string]any{entryName: answer}, nil
}

// answerStamp answers a request for a timestamp (RFC 3161).
func (s *Sigstore) answerStamp(text []byte) ([]byte, error) {
	request, err := timestamp.ParseRequest(text)
	if err != nil {
		return nil, err
	}
	answer := timestamp.Timestamp{
		HashAlgorithm: request.HashAlgorithm, HashedMessage: request.HashedMessage, Nonce: request.Nonce, Time: time.Now(),
		Policy: []int{1, 3, 6, 1, 4, 1, 57264, 2},
	}
	return answer.CreateResponseWithOpts(s.stampLeaf.certificate, s.stampLeaf.key, crypto.SHA256)
}
