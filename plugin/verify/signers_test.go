package verify

import (
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

// A policy that only warns is being tried out: its signers meet a demand where
// the entry names it.
func TestProvenance_BySignersOfAPolicyThatOnlyWarns(t *testing.T) {
	arrange := func(mode string, named ...string) plugin.Review {
		w := newWorld(t)
		key := newKey(t, "ecdsa-p256")
		tried := policies(byKey(t, key))[0]
		tried.Metadata.Name, tried.Spec.Mode = "tried", mode
		w.config.Policies = append(w.config.Policies, tried)
		w.demandProvenance(func(p *gate.Provenance) { p.Sources = []string{"github.com/team-a/*"} })
		w.config.Evidence[0].Signers = named
		image := w.signed("app")
		w.sign(image, throwaway.Signer{Key: key})
		w.attest(image, throwaway.Signer{Key: key}, provenanceV1, githubProvenance())
		return w.review(image)
	}
	wantFinding(t, arrange("warn"), "evidence/provenance", "no provenance of")
	wantAccepted(t, arrange("warn", "tried"))
	wantAccepted(t, arrange("enforce"))
}

func TestNew_EvidenceWithNobodyButWhoOnlyWarnsIsRefused(t *testing.T) {
	for mode, refused := range map[string]bool{"warn": true, "enforce": false} {
		w := newWorld(t)
		w.demandProvenance(nil)
		w.config.Policies[0].Spec.Mode = mode
		_, err := New(w.config, w.registry)
		if said := err != nil && strings.Contains(err.Error(), "nobody may attest"); said != refused {
			t.Errorf("mode %s: %v", mode, err)
		}
	}
}

// That a rule lets an image pass unseen says nothing of how it was built.
func TestDemand_StaticPassMeetsNone(t *testing.T) {
	for _, kind := range demandKinds() {
		for _, attested := range []bool{false, true} {
			w := newWorld(t)
			witness := policies(keyless())[0]
			witness.Metadata.Name = "attesters"
			w.require(gate.Authority{Static: &gate.StaticRef{Action: "pass"}})
			w.config.Witnesses = []gate.ClusterImagePolicy{witness}
			kind.entry.Name, kind.entry.Signers = "asked", []string{"attesters"}
			w.config.Evidence = []gate.Evidence{kind.entry}
			image := w.image("app")
			if attested {
				w.attest(image, ci(), kind.predicateType, kind.good(w))
				wantAccepted(t, w.review(image))
				continue
			}
			wantFinding(t, w.review(image), "evidence/"+kind.entryName(), "no "+kind.noun)
		}
	}
}
