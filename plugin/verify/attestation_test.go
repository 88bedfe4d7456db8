package verify

import (
	"errors"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

func TestAttestation_OfTheTypeVouchesInBothFormats(t *testing.T) {
	for _, legacy := range []bool{false, true} {
		w := newWorld(t)
		w.require(asking(keyless(), wanting("vuln")))
		image := w.image("app")
		if legacy {
			w.attestLegacy(image, builds(), vulnType, nil)
		} else {
			w.attest(image, builds(), vulnType, nil)
		}
		claims := wantAccepted(t, w.review(image))
		if claims.Kind != plugin.EvidenceAttestation || claims.PredicateType != vulnType || claims.Artifact == "" || claims.Signer != subject {
			t.Errorf("legacy %v: %+v", legacy, claims)
		}
	}
}

func TestAttestation_OfAnotherTypeIsDenied(t *testing.T) {
	w := newWorld(t)
	w.require(asking(keyless(), wanting("vuln")))
	image := w.image("app")
	w.attest(image, builds(), provenanceV1, githubProvenance())
	wantFinding(t, w.review(image), "image/not-attested", "there is no attestation of type "+vulnType+", only of "+provenanceV1)
}

func TestAttestation_SignatureIsNone(t *testing.T) {
	w := newWorld(t)
	w.require(asking(keyless(), wanting("vuln")))
	image := w.signed("app")
	wantFinding(t, w.review(image), "image/not-attested", "there is no attestation of type "+vulnType)
}

func TestProvenance_OfGitHubIsAccepted(t *testing.T) {
	w := newWorld(t)
	w.demandProvenance(nil)
	image := w.signed("app")
	w.attest(image, ci(), provenanceV1, githubProvenance())
	claims := wantAccepted(t, w.review(image))
	if claims.Builder != builderID || claims.BuildLevel != 2 || claims.SourceRepository != sourceURI || claims.SourceRevision != revision ||
		claims.SourceRef != sourceRef || claims.Workflow != workflow || claims.Event != "push" || claims.RunURI != runURI {
		t.Errorf("%+v", claims)
	}
}

func TestProvenance_NoneIsDenied(t *testing.T) {
	w := newWorld(t)
	w.demandProvenance(nil)
	finding := wantFinding(t, w.review(w.signed("app")), "evidence/provenance", "no provenance of "+repository)
	if !strings.Contains(finding.Message, "nothing of the kind is attested") || finding.Level != plugin.Deny {
		t.Errorf("%+v", finding)
	}
}

const (
	regoCompliant = "package sigstore\nisCompliant { input.predicate.result == \"clean\" }\n"
	celCompliant  = `predicate.result == "clean" && statement.predicateType.startsWith("https://cosign.sigstore.dev/")`
)

func TestAttestation_ConditionsAreAskedOfTheVerifiedStatement(t *testing.T) {
	for _, test := range []struct{ name, language, text, result, want string }{
		{"rego holds", "rego", regoCompliant, "clean", ""},
		{"rego does not hold", "rego", regoCompliant, "dirty", "isCompliant is undefined"},
		{"rego says no", "rego", "package sigstore\ndefault isCompliant = false\n", "clean", "isCompliant is not true"},
		{"rego with reasons", "rego", "package sigstore\nisCompliant[r] { r = {\"result\": false, \"error\": \"two findings\"} }\n", "clean", "two findings"},
		{"rego list that holds", "rego", "package sigstore\nisCompliant = [{\"result\": true}] { true }\n", "clean", ""},
		{"rego that warns", "rego", "package sigstore\nisCompliant = [{\"result\": true, \"warning\": \"soon\"}] { true }\n", "clean", "its condition warns: soon"},
		{"rego with an empty list", "rego", "package sigstore\nisCompliant = [] { true }\n", "clean", "isCompliant is empty"},
		{"rego that does not end", "rego", "package sigstore\nisCompliant { count([x | x := numbers.range(1, 3000)[_]; numbers.range(1, 3000)[_]; numbers.range(1, 3000)[_]]) == 1 }\n", "clean", "it did not answer in time"},
		{"cel holds", "cel", celCompliant, "clean", ""},
		{"cel does not hold", "cel", celCompliant, "dirty", "its condition does not hold"},
		{"cel that fails", "cel", "predicate.missing == 1", "clean", "could not be evaluated: no such key"},
		{"cel that costs too much", "cel", "[1,2,3,4,5,6,7,8,9,10].all(a, [1,2,3,4,5,6,7,8,9,10].all(b, [1,2,3,4,5,6,7,8,9,10].all(c, [1,2,3,4,5,6,7,8,9,10].all(d, [1,2,3,4,5,6,7,8,9,10].all(e, [1,2,3,4,5,6,7,8,9,10].all(f, [1,2,3,4,5,6,7,8,9,10].all(g, a + b + c + d + e + f + g > 0)))))))", "clean", "cost"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.require(asking(keyless(), withCondition(test.language, test.text)))
			image := w.image("app")
			w.attest(image, builds(), vulnType, fields{"result": test.result})
			if test.want == "" {
				wantAccepted(t, w.review(image))
				return
			}
			wantFinding(t, w.review(image), "image/not-trusted", test.want)
		})
	}
}

func TestNew_ConditionsThatCannotBeAskedAreRefused(t *testing.T) {
	for _, test := range []struct{ language, text, want string }{
		{"rego", "package signature\nisCompliant { true }", "the rule that is asked is sigstore.isCompliant"},
		{"rego", "package sigstore\nisCompliant {", "does not parse as Rego v0"},
		{"rego", "package sigstore\nisCompliant { http.send({}) }", "line 2: http.send may not be called here"},
		{"rego", "package sigstore\nisCompliant { opa.runtime().env.HOME }", "opa.runtime may not be called"},
		{"rego", "", "empty module"},
		{"cel", "predicate.a ==", "it does not compile"},
		{"cel", "1 + 1", "not a boolean"},
		{"cel", "other == 1", "undeclared reference"},
		{"cue", "result: \"clean\"", `type is "cue", want rego or cel`},
	} {
		w := newWorld(t)
		w.require(asking(keyless(), withCondition(test.language, test.text)))
		if _, err := New(w.config, w.registry); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %q: want %s, got %v", test.language, test.text, test.want, err)
		}
	}
}

func TestAttestation_AllThatAreListedAreRequired(t *testing.T) {
	w := newWorld(t)
	another := wanting(provenanceV1)
	another.Name = "built"
	w.require(asking(keyless(), wanting("vuln"), another))
	image := w.image("app")
	w.attest(image, builds(), vulnType, nil)
	wantFinding(t, w.review(image), "image/not-trusted", "there is no attestation of type "+provenanceV1)
	w.attestLegacy(image, builds(), provenanceV1, githubProvenance()) // the formats add up
	review := w.review(image)
	wantAccepted(t, review)
	if len(review.Evidence) != 2 {
		t.Errorf("%d evidence, want both", len(review.Evidence))
	}
}

func TestAttestation_OneOfSeveralWhoseConditionHoldsIsEnough(t *testing.T) {
	w := newWorld(t)
	w.require(asking(keyless(), withCondition("cel", celCompliant)))
	image := w.image("app")
	w.attest(image, builds(), vulnType, fields{"result": "dirty"})
	w.attest(image, builds(), vulnType, fields{"result": "clean"})
	wantAccepted(t, w.review(image))
}

func TestAttestation_UnderAnyKeyIsEnough(t *testing.T) {
	w := newWorld(t)
	one, two, other := newKey(t, "ecdsa-p256"), newKey(t, "ecdsa-p384"), newKey(t, "ecdsa-p256")
	w.require(asking(byKey(t, one), wanting("vuln")), asking(byKey(t, two), wanting("vuln")))
	w.config.Policies[0].Spec.Authorities[1].Name = "second"
	image := w.image("app")
	w.attestLegacy(image, throwaway.Signer{Key: two}, vulnType, nil)
	wantAccepted(t, w.review(image))
	image = w.image("other")
	w.attestLegacy(image, throwaway.Signer{Key: other}, vulnType, nil)
	wantFinding(t, w.review(image), "image/not-trusted", "its signature does not verify")
}

func TestAttestation_HintThatLiesOnlyLeavesOut(t *testing.T) {
	for hint, rule := range map[string]string{"": "", vulnType: "", provenanceV1: "image/not-attested"} {
		w := newWorld(t)
		w.require(asking(keyless(), wanting("vuln")))
		image := w.image("app")
		w.refer(image, w.attestation(image.Digest, builds(), vulnType, nil), hint)
		if review := w.review(image); rule == "" {
			wantAccepted(t, review)
		} else {
			wantFinding(t, review, rule, "only of "+provenanceV1)
		}
	}
	w := newWorld(t) // a statement of another type under the right hint
	w.require(asking(keyless(), wanting("vuln")))
	image := w.image("app")
	w.refer(image, w.attestation(image.Digest, builds(), provenanceV1, nil), vulnType)
	wantFinding(t, w.review(image), "image/not-attested", "only of "+provenanceV1)
}

// statementOf writes a statement by hand, so that it can be wrong.
func statementOf(digest, before, predicate string) []byte {
	value := strings.TrimPrefix(digest, "sha256:")
	return []byte(`{` + before + `"_type":"https://in-toto.io/Statement/v1","predicateType":"` + vulnType + `","subject":[{"digest":{"sha256":"` + value + `"}}],"predicate":` + predicate + `}`)
}

func TestAttestation_StatementsThatAreRefused(t *testing.T) {
	subjects := func(count int, ours string) string {
		var out strings.Builder
		for range count {
			out.WriteString(`{"digest":{"sha256":"` + strings.Repeat("0", 64) + `"}},`)
		}
		return out.String() + `{"digest":{"sha256":"` + ours + `"}}`
	}
	for _, test := range []struct {
		name, want string
		make       func(digest string) []byte
	}{
		{"all is well", "", func(d string) []byte { return statementOf(d, "", "{}") }},
		{"unknown field", "", func(d string) []byte { return statementOf(d, `"other":1,`, "{}") }},
		{"predicate that is null", "its predicate is no object", func(d string) []byte { return statementOf(d, "", "null") }},
		{"predicate that is a list", "its predicate is no object", func(d string) []byte { return statementOf(d, "", "[]") }},
		{"predicate that is a text", "its predicate is no object", func(d string) []byte { return statementOf(d, "", `"{}"`) }},
		{"key twice", `the key "subject" is there twice`, func(d string) []byte { return statementOf(d, `"subject":[],`, "{}") }},
		{"key twice in other letters", `"subject" in two spellings`, func(d string) []byte { return statementOf(d, `"Subject":[],`, "{}") }},
		{"key twice by an escape", `the key "subject" is there twice`, func(d string) []byte { return statementOf(d, `"sub\u006aect":[],`, "{}") }},
		{"key twice in the predicate", `the key "a" is there twice`, func(d string) []byte { return statementOf(d, "", `{"b":[{"a":1,"a":2}]}`) }},
		{"unknown type", "of the unknown type", func(d string) []byte {
			return []byte(strings.Replace(string(statementOf(d, "", "{}")), "Statement/v1", "Statement/v9", 1))
		}},
		{"type of version 0.1", "", func(d string) []byte {
			return []byte(strings.Replace(string(statementOf(d, "", "{}")), "Statement/v1", "Statement/v0.1", 1))
		}},
		{"two subjects, one ours", "", func(d string) []byte { return manySubjects(d, subjects(1, d[7:])) }},
		{"as many subjects as may be", "", func(d string) []byte { return manySubjects(d, subjects(1023, d[7:])) }},
		{"100,000 subjects", "more than 1024 subjects", func(d string) []byte { return manySubjects(d, subjects(100_000, d[7:])) }},
		{"subject without a digest", "a subject of its statement has no digest", func(d string) []byte { return manySubjects(d, `{"name":"app"},`+subjects(0, d[7:])) }},
		{"another image", "it signs another image", func(string) []byte { return statementOf("sha256:"+strings.Repeat("1", 64), "", "{}") }},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.require(asking(keyless(), wanting("vuln")))
			image := w.image("app")
			w.refer(image, w.envelope(builds(), test.make(image.Digest)), vulnType)
			if test.want == "" {
				wantAccepted(t, w.review(image))
				return
			}
			wantFinding(t, w.review(image), "image/not-trusted", test.want)
		})
	}
}

func manySubjects(digest, list string) []byte {
	whole := string(statementOf(digest, "", "{}"))
	return []byte(strings.Replace(whole, `{"digest":{"sha256":"`+strings.TrimPrefix(digest, "sha256:")+`"}}`, list, 1))
}

func TestAttestation_EnvelopesThatAreRefused(t *testing.T) {
	for _, test := range []struct{ name, from, to, want string }{
		{"all is well", "", "", ""},
		{"other payload type", `"application/vnd.in-toto+json"`, `"application/vnd.other+json"`, "its signature does not verify"},
		{"two signatures", `"signatures":[`, `"signatures":[{"sig":"AAAA"},`, "2 signatures"},
		{"no signature", `"signatures":[`, `"signatures":[],"other":[`, "0 signatures"},
		{"no envelope", `{`, `[`, "its envelope is refused: it is not JSON"},
		{"payload twice", `{"payloadType"`, `{"payload":"","payloadType"`, `the key "payload" is there twice`},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.require(asking(keyless(), wanting("vuln")))
			image := w.image("app")
			w.attestLegacy(image, builds(), vulnType, nil)
			w.alterLayer(image, func(text string) string { return strings.Replace(text, test.from, test.to, 1) })
			if test.want == "" {
				wantAccepted(t, w.review(image))
				return
			}
			wantFinding(t, w.review(image), "image/not-trusted", test.want)
		})
	}
}

func TestAttestation_LargerThanTheLimitIsRefused(t *testing.T) {
	w := newWorld(t)
	w.require(asking(keyless(), wanting("vuln")))
	image := w.image("app")
	w.attest(image, builds(), vulnType, fields{"padding": strings.Repeat("a", 4096)})
	wantAccepted(t, w.review(image))
	w.config.Limits.BundleBytes = 4096
	wantFinding(t, w.review(image), "image/not-trusted", "the limit bundleBytes is 4096")
}

func TestAttestation_WhatCannotBeReadIsUndetermined(t *testing.T) {
	for _, fault := range []string{"referrers", "manifest", "blob"} {
		w := newWorld(t)
		w.require(asking(keyless(), wanting("vuln")))
		w.demandProvenance(nil)
		image := w.image("app")
		w.attest(image, builds(), vulnType, nil)
		w.attest(image, ci(), provenanceV1, githubProvenance())
		if review := w.review(image); len(review.Findings) > 0 {
			t.Fatalf("%+v", review.Findings)
		}
		w.registry.faults[fault] = errors.New("429 Too Many Requests")
		review := w.review(image)
		if len(review.Findings) != 2 || review.Findings[0].Rule != "verify/no-answer" || review.Findings[1].Rule != "evidence/provenance" {
			t.Fatalf("%s: %+v", fault, review.Findings)
		}
		for _, finding := range review.Findings {
			if finding.Level != plugin.Undetermined || !strings.Contains(finding.Message, "429") || len(review.Evidence) > 0 {
				t.Errorf("%s: %v %s", fault, finding.Level, finding.Message)
			}
		}
	}
}

func TestAttestation_ListedAndNotThereIsDenied(t *testing.T) {
	w := newWorld(t)
	w.demandProvenance(nil)
	image := w.signed("app")
	w.attest(image, ci(), provenanceV1, githubProvenance())
	wantAccepted(t, w.review(image))
	delete(w.registry.blobs, lastBlob(w, image))
	if finding := wantFinding(t, w.review(image), "evidence/provenance", ""); finding.Level != plugin.Deny {
		t.Errorf("%v %s", finding.Level, finding.Message)
	}
}
