package verify

import (
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

// generatorProvenance is what slsa-github-generator's container generator
// writes.
func generatorProvenance() fields {
	return fields{
		"builder":   fields{"id": builderID},
		"buildType": "https://github.com/slsa-framework/slsa-github-generator/container@v1",
		"invocation": fields{
			"configSource": fields{"uri": "git+" + sourceURI + "@" + sourceRef, "digest": fields{"sha1": revision}, "entryPoint": workflow},
			"parameters":   fields{"inputs": fields{"release": "yes"}},
			"environment":  fields{"github_event_name": "push"},
		},
		"metadata":  fields{"buildInvocationID": "17-1"},
		"materials": []any{fields{"uri": "git+" + sourceURI + "@" + sourceRef, "digest": fields{"sha1": revision}}},
	}
}

// provenanceCase changes one thing of a build that is accepted.
type provenanceCase struct {
	name string
	// demand, signer and said change what is asked, who signs, and what is said.
	demand func(*gate.Provenance)
	signer func(*throwaway.Signer)
	said   func(v1, v02 fields)
	// want is part of the finding; empty is accepted.
	want string
}

func (c provenanceCase) run(t *testing.T, predicateType string, legacy bool) {
	t.Helper()
	w := newWorld(t)
	w.demandProvenance(c.demand)
	image := w.signed("app")
	image.Reference.Tag = "1.2.3"
	who, v1, v02 := ci(), githubProvenance(), generatorProvenance()
	if c.signer != nil {
		c.signer(&who)
	}
	if c.said != nil {
		c.said(v1, v02)
	}
	said := v1
	if predicateType == provenanceV02 {
		said = v02
	}
	if legacy {
		w.attestLegacy(image, who, predicateType, said)
	} else {
		w.attest(image, who, predicateType, said)
	}
	review := w.review(image)
	if c.want == "" {
		if claims := wantAccepted(t, review); claims.Builder == "" {
			t.Errorf("no provenance in %+v", claims)
		}
		return
	}
	if finding := wantFinding(t, review, "evidence/provenance", c.want); finding.Level != plugin.Deny {
		t.Errorf("level %v", finding.Level)
	}
}

func asks(change func(*gate.Provenance)) func(*gate.Provenance) { return change }

// provenanceCases are in pairs: what is denied, and the twin that passes.
func provenanceCases() []provenanceCase {
	return []provenanceCase{
		{name: "all is well"},
		{name: "builder that the gate does not name", demand: asks(func(p *gate.Provenance) { p.Builders[0].ID = "https://builder.example.com/*" }), want: "want https://builder.example.com/*"},
		{name: "builder by a glob", demand: asks(func(p *gate.Provenance) { p.Builders[0].ID = sourceURI + "/.github/workflows/*@refs/tags/v*" })},
		{name: "level above what the builder is trusted for", demand: asks(func(p *gate.Provenance) { p.MinLevel = 3 }), want: "trusted for build level 2, want 3"},
		{name: "level that the builder is trusted for", demand: asks(func(p *gate.Provenance) { p.MinLevel = 2 })},
		{name: "level that the predicate claims", demand: asks(func(p *gate.Provenance) { p.MinLevel = 3 }), said: func(v1, v02 fields) {
			set(v1, "runDetails.builder.level", 3)
			set(v02, "builder.level", 3)
		}, want: "trusted for build level 2"},
		{name: "other source", demand: asks(func(p *gate.Provenance) { p.Sources = []string{"github.com/team-b/*"} }), want: "built from github.com/team-a/app, want github.com/team-b/*"},
		{name: "source by a glob", demand: asks(func(p *gate.Provenance) { p.Sources = []string{"github.com/team-a/*"} })},
		{name: "source that only begins like it", demand: asks(func(p *gate.Provenance) { p.Sources = []string{"github.com/team"} }), want: "want github.com/team"},
		{name: "other ref", demand: asks(func(p *gate.Provenance) { p.Refs = []string{"refs/heads/main"} }), want: "built from ref " + sourceRef},
		{name: "ref by a glob", demand: asks(func(p *gate.Provenance) { p.Refs = []string{"refs/tags/v*"} })},
		{name: "tag out of range", demand: asks(func(p *gate.Provenance) { p.TagRange = ">=2.0.0" }), want: "built from tag v1.2.3, want >=2.0.0"},
		{name: "tag in range", demand: asks(func(p *gate.Provenance) { p.TagRange = ">=1.2.0 <2.0.0" })},
		{name: "tag of another image tag", demand: asks(func(p *gate.Provenance) { p.TagEqualsImageTag = true }), signer: func(who *throwaway.Signer) { atRef(who, "refs/tags/v1.2.4") }, said: sayRef("refs/tags/v1.2.4"), want: "built from tag v1.2.4, and the image's tag is 1.2.3"},
		{name: "tag of the image", demand: asks(func(p *gate.Provenance) { p.TagEqualsImageTag = true })},
		{name: "branch where a tag is asked for", demand: asks(func(p *gate.Provenance) { p.TagRange = "*" }), signer: func(who *throwaway.Signer) { atRef(who, "refs/heads/v1.2.3") }, said: sayRef("refs/heads/v1.2.3"), want: "want a tag"},
		{name: "other workflow", demand: asks(func(p *gate.Provenance) { p.Workflows = []string{".github/workflows/other.yaml"} }), want: "built by workflow " + workflow},
		{name: "workflow", demand: asks(func(p *gate.Provenance) { p.Workflows = []string{workflow} })},
		{name: "other event", demand: asks(func(p *gate.Provenance) { p.Events = []string{"release"} }), want: "started by event push, want release"},
		{name: "event", demand: asks(func(p *gate.Provenance) { p.Events = []string{"push"} })},
		{name: "other parameter", demand: asks(func(p *gate.Provenance) { p.Parameters = map[string]string{"inputs.release": "no"} }), said: sayInput("yes"), want: "built with inputs.release yes, want no"},
		{name: "no such parameter", demand: asks(func(p *gate.Provenance) { p.Parameters = map[string]string{"inputs.other": "no"} }), want: "it has no parameter inputs.other"},
		{name: "parameter", demand: asks(func(p *gate.Provenance) { p.Parameters = map[string]string{"inputs.release": "yes"} }), said: sayInput("yes")},
		{name: "too old", demand: asks(func(p *gate.Provenance) { p.MaxAge = gate.Duration(time.Hour) }), said: sayEnd(time.Now().Add(-2 * time.Hour)), want: "longer ago than 1h"},
		{name: "young enough", demand: asks(func(p *gate.Provenance) { p.MaxAge = gate.Duration(3 * time.Hour) }), said: sayEnd(time.Now().Add(-2 * time.Hour))},
		{name: "dated in the future", said: sayEnd(time.Now().Add(time.Hour)), want: "in the future"},
		{name: "time that is none", said: func(v1, v02 fields) {
			set(v1, "runDetails.metadata.finishedOn", "yesterday")
			set(v02, "metadata.buildFinishedOn", "yesterday")
		}, want: `its time "yesterday" cannot be read`},
		{name: "no builder", said: func(v1, v02 fields) {
			set(v1, "runDetails.builder.id", "")
			set(v02, "builder.id", "")
		}, want: "it names no builder"},
	}
}

// lyingCases claim what the certificate does not bear out.
func lyingCases() []provenanceCase {
	say := func(v1Path, v02Path string, value any) func(v1, v02 fields) {
		return func(v1, v02 fields) {
			set(v1, v1Path, value)
			set(v02, v02Path, value)
		}
	}
	return []provenanceCase{
		{name: "builder", said: say("runDetails.builder.id", "builder.id", "https://github.com/other/builder@refs/tags/v1"), want: "it claims the builder https://github.com/other/builder@refs/tags/v1, and its certificate says " + builderID},
		{name: "machine", said: say("runDetails.builder.id", "builder.id", "https://github.com/actions/runner/self-hosted"), want: "it claims the builder https://github.com/actions/runner/self-hosted"},
		{
			name: "machine of the certificate", said: say("runDetails.builder.id", "builder.id", "https://github.com/actions/runner/github-hosted"),
			demand: asks(func(p *gate.Provenance) { p.Builders[0].ID = "https://github.com/actions/runner/github-hosted" }),
		},
		{name: "source", said: func(v1, v02 fields) {
			set(v1, "buildDefinition.externalParameters.workflow.repository", "https://github.com/team-b/app")
			set(v02, "invocation.configSource.uri", "git+https://github.com/team-b/app@"+sourceRef)
		}, want: "it claims the source github.com/team-b/app, and its certificate says github.com/team-a/app"},
		{name: "ref", said: sayRef("refs/heads/main"), want: "it claims the ref refs/heads/main, and its certificate says " + sourceRef},
		{name: "commit", said: func(v1, v02 fields) {
			dependency := []any{fields{"uri": "git+" + sourceURI + "@" + sourceRef, "digest": fields{"gitCommit": otherCommit, "sha1": otherCommit}}}
			set(v1, "buildDefinition.resolvedDependencies", dependency)
			set(v02, "invocation.configSource.digest.sha1", otherCommit)
			set(v02, "materials", dependency)
		}, want: "it claims the commit " + otherCommit},
		{name: "workflow", said: say("buildDefinition.externalParameters.workflow.path", "invocation.configSource.entryPoint", ".github/workflows/other.yaml"), want: "it claims the workflow .github/workflows/other.yaml"},
		{name: "event", said: say("buildDefinition.internalParameters.github.event_name", "invocation.environment.github_event_name", "release"), want: "it claims the event release, and its certificate says push"},
		{name: "run", said: say("runDetails.metadata.invocationId", "metadata.buildInvocationID", sourceURI+"/actions/runs/18/attempts/1"), want: "it claims the run " + sourceURI + "/actions/runs/18"},
		{name: "certificate whose source cannot be read", signer: func(who *throwaway.Signer) { who.SourceRepository = "urn:other" }, want: "its certificate names a source that cannot be read"},
	}
}

func atRef(who *throwaway.Signer, ref string) {
	who.SourceRef = ref
	who.Build.ConfigURI = sourceURI + "/" + workflow + "@" + ref
}

func sayRef(ref string) func(v1, v02 fields) {
	return func(v1, v02 fields) {
		set(v1, "buildDefinition.externalParameters.workflow.ref", ref)
		set(v02, "invocation.configSource.uri", "git+"+sourceURI+"@"+ref)
	}
}

func sayInput(value string) func(v1, v02 fields) {
	return func(v1, v02 fields) {
		set(v1, "buildDefinition.externalParameters.inputs", fields{"release": value})
		set(v02, "invocation.parameters.inputs", fields{"release": value})
	}
}

func sayEnd(at time.Time) func(v1, v02 fields) {
	return func(v1, v02 fields) {
		set(v1, "runDetails.metadata.finishedOn", at.UTC().Format(time.RFC3339))
		set(v02, "metadata.buildFinishedOn", at.UTC().Format(time.RFC3339))
	}
}

func TestProvenance_EachDemandIsAskedOfBothVersions(t *testing.T) {
	for _, predicateType := range []string{provenanceV1, provenanceV02} {
		for _, each := range provenanceCases() {
			t.Run(predicateType[len("https://slsa.dev/"):]+"/"+each.name, func(t *testing.T) { each.run(t, predicateType, false) })
		}
	}
}

func TestProvenance_WhatTheCertificateDoesNotBearOutIsDenied(t *testing.T) {
	for _, predicateType := range []string{provenanceV1, provenanceV02} {
		for _, each := range lyingCases() {
			t.Run(predicateType[len("https://slsa.dev/"):]+"/"+each.name, func(t *testing.T) { each.run(t, predicateType, false) })
		}
	}
}

func TestProvenance_OfTheOlderFormatIsJudgedAlike(t *testing.T) {
	provenanceCase{name: "well"}.run(t, provenanceV02, true)
	lyingCases()[0].run(t, provenanceV02, true)
}

// With a key, nobody but its holder says what was built: the gate that trusts
// the key takes its word.
func TestProvenance_OfAKeyIsItsHoldersWord(t *testing.T) {
	key := newKey(t, "ecdsa-p256")
	w := newWorld(t)
	w.require(byKey(t, key))
	w.demandProvenance(func(p *gate.Provenance) { p.Sources = []string{"github.com/team-a/*"} })
	image := w.image("app")
	w.sign(image, throwaway.Signer{Key: key})
	w.attest(image, throwaway.Signer{Key: key}, provenanceV1, githubProvenance())
	if claims := wantAccepted(t, w.review(image)); claims.SourceRepository != sourceURI || claims.SourceRevision != revision {
		t.Errorf("%+v", claims)
	}
	other := newKey(t, "ecdsa-p256")
	image = w.image("other")
	w.sign(image, throwaway.Signer{Key: key})
	w.attest(image, throwaway.Signer{Key: other}, provenanceV1, githubProvenance())
	wantFinding(t, w.review(image), "evidence/provenance", "its signature does not verify")
}

// The delegator of slsa-github-generator vouches for the builder that calls it.
func TestProvenance_DelegatorVouchesForTheBuilderThatItNames(t *testing.T) {
	const delegated = "https://github.com/team-c/builder/.github/workflows/build.yml@refs/tags/v1"
	run := func(signer, want string) {
		provenanceCase{
			demand: func(p *gate.Provenance) { p.Builders[0].ID = delegated },
			signer: func(who *throwaway.Signer) { who.Build.SignerURI = signer },
			said:   func(v1, _ fields) { set(v1, "runDetails.builder.id", delegated) }, want: want,
		}.run(t, provenanceV1, false)
	}
	const delegator = "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/delegator_generic_slsa3.yml"
	run(delegator+"@refs/tags/v2.1.0", "")
	run(delegator+"@refs/heads/main", "it claims the builder "+delegated)
	run("https://github.com/other/slsa-github-generator/.github/workflows/delegator_generic_slsa3.yml@refs/tags/v2.1.0", "it claims the builder "+delegated)
}

func TestProvenance_OneGoodAmongForgedIsEnough(t *testing.T) {
	forger, err := throwaway.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, withGood := range []bool{true, false} {
		w := newWorld(t)
		w.demandProvenance(nil)
		image := w.signed("app")
		mine := w.sigstore
		w.sigstore = forger
		w.attest(image, ci(), provenanceV1, githubProvenance())
		w.sigstore = mine
		if withGood {
			w.attest(image, ci(), provenanceV1, githubProvenance())
			wantAccepted(t, w.review(image))
			continue
		}
		wantFinding(t, w.review(image), "evidence/provenance", "it has no entry of the trusted transparency log")
	}
}

func TestProvenance_OfAnotherImageIsDenied(t *testing.T) {
	w := newWorld(t)
	w.demandProvenance(nil)
	image, other := w.signed("app"), w.image("other")
	w.refer(image, w.attestation(other.Digest, ci(), provenanceV1, githubProvenance()), provenanceV1)
	wantFinding(t, w.review(image), "evidence/provenance", "it signs another image")
}

func TestProvenance_BySignersThatTheEntryNamesAlone(t *testing.T) {
	w := newWorld(t)
	w.demandProvenance(nil)
	key := newKey(t, "ecdsa-p256")
	w.config.Witnesses = policies(byKey(t, key))
	w.config.Witnesses[0].Metadata.Name = "attesters"
	w.config.Evidence[0].Signers = []string{"attesters"}
	image := w.signed("app")
	w.attest(image, ci(), provenanceV1, githubProvenance())
	wantFinding(t, w.review(image), "evidence/provenance", "it is signed with a certificate, and the policy asks for a key")
	w.attest(image, throwaway.Signer{Key: key}, provenanceV1, githubProvenance())
	if claims := wantAccepted(t, w.review(image)); claims.Policy != "attesters" {
		t.Errorf("%+v", claims)
	}
	w.config.Witnesses[0].Spec.Images[0].Glob = "registry.example.com/team-b/**"
	wantFinding(t, w.review(image), "evidence/provenance", "none of the policies that may attest covers it: attesters")
}

func TestNew_EvidenceThatNobodyMayMeetIsRefused(t *testing.T) {
	for want, change := range map[string]func(*world){
		"nobody may attest":                          func(w *world) { w.require(gate.Authority{Static: &gate.StaticRef{Action: "pass"}}) },
		"signer other is no ClusterImagePolicy":      func(w *world) { w.config.Evidence[0].Signers = []string{"other"} },
		"provenance names no builders":               func(w *world) { w.config.Evidence[0].Provenance.Builders = nil },
		"it asks for nothing":                        func(w *world) { w.config.Evidence[0].Provenance = nil },
		"tagRange":                                   func(w *world) { w.config.Evidence[0].Provenance.TagRange = "soon" },
		"glob \"registry.example.com/team-a/app:1\"": func(w *world) { w.config.Evidence[0].Images = []string{"registry.example.com/team-a/app:1"} },
	} {
		w := newWorld(t)
		w.demandProvenance(nil)
		change(w)
		if _, err := New(w.config, w.registry); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "gate.yaml:30") {
			t.Errorf("want %s: %v", want, err)
		}
	}
}
