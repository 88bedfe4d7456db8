package verify

import (
	"encoding/json"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

// withEntryOf puts the log entry of one bundle into another one.
func (w *world) withEntryOf(bundle, other []byte) []byte {
	w.t.Helper()
	var into, from fields
	for data, at := range map[*fields][]byte{&into: bundle, &from: other} {
		if err := json.Unmarshal(at, data); err != nil {
			w.t.Fatal(err)
		}
	}
	entries := from["verificationMaterial"].(fields)["tlogEntries"]
	if list, _ := entries.([]any); len(list) == 0 {
		w.t.Fatal("the bundle has no log entry")
	}
	into["verificationMaterial"].(fields)["tlogEntries"] = entries
	return w.json(into)
}

// A log's entry is about one signature, one certificate and one content. One of
// something else that the same signer made proves nothing.
func TestVerify_LogEntryOfSomethingElseIsDenied(t *testing.T) {
	for name, row := range map[string]struct {
		predicateType string
		demand        bool
		rule          string
	}{
		"a signature":  {throwaway.SignPredicate, false, ruleNotTrusted},
		"a provenance": {provenanceV1, true, "evidence/provenance"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, swapped := range []bool{true, false} {
				w := newWorld(t)
				image, other := w.image("app"), w.image("other")
				if row.demand {
					w.demandProvenance(nil)
					w.sign(image, builds())
				}
				mine := w.attestation(image.Digest, ci(), row.predicateType, githubProvenance())
				if swapped {
					mine = w.withEntryOf(mine, w.attestation(other.Digest, ci(), row.predicateType, githubProvenance()))
				} else {
					mine = w.withEntryOf(mine, mine)
				}
				w.refer(image, mine, row.predicateType)
				if review := w.review(image); swapped {
					wantFinding(t, review, row.rule, "")
				} else {
					wantAccepted(t, review)
				}
			}
		})
	}
}

// While a key is exchanged both count. What is known of the old one's signatures
// is of no use once the gate names the new one alone.
func TestVerify_WhatTheOldKeySignedIsDeniedUnderTheNew(t *testing.T) {
	former, present := newKey(t, "ecdsa-p256"), newKey(t, "ecdsa-p256")
	w := newWorld(t)
	image := w.image("app")
	w.sign(image, throwaway.Signer{Key: former})
	w.attest(image, throwaway.Signer{Key: former}, provenanceV1, githubProvenance())
	w.demandProvenance(nil)
	under := func(authorities ...gate.Authority) plugin.Review {
		w.require(authorities...)
		return w.review(image)
	}
	newer := byKey(t, present)
	newer.Name = "newer"
	wantAccepted(t, under(byKey(t, former)))
	wantAccepted(t, under(newer, byKey(t, former)))
	if review := under(newer); len(review.Evidence) != 0 || len(review.Findings) != 2 {
		t.Errorf("under the new key: %+v, %+v", review.Evidence, review.Findings)
	}
	w.sign(image, throwaway.Signer{Key: present})
	w.attest(image, throwaway.Signer{Key: present}, provenanceV1, githubProvenance())
	wantAccepted(t, under(newer))
}
