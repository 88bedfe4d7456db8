package setup_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
	"github.com/assay-gitops/assay/plugin/setup"
	"github.com/assay-gitops/assay/plugin/verify"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

const (
	issuer  = "https://issuer.example.com"
	subject = "https://git.example.com/team-a/web/.ci/release.yaml@refs/tags/v1"
)

func sighting(repository, tag string, signers ...verify.Signer) setup.Sighting {
	reference := plugin.Reference{Repository: "registry.example.com/" + repository, Tag: tag}
	return setup.Sighting{Image: plugin.Image{Reference: reference, Written: reference.String(), Digest: "sha256:" + strings.Repeat("a", 64)}, Signers: signers}
}

func signedBy(subject string) verify.Signer {
	return verify.Signer{Format: "bundle", Issuer: issuer, Subject: subject, TrustRoot: "example"}
}

func TestPropose_TrustsOnlyWhatWasSeenSigned(t *testing.T) {
	key := verify.Signer{Format: "bundle", Key: true}
	unverified := verify.Signer{Format: "bundle", Reason: "no trust root verifies it"}
	proposal := setup.Propose([]setup.Sighting{
		sighting("team-a/web", "1", signedBy(subject)), sighting("team-a/api", "1", unverified, signedBy(subject)),
		sighting("team-a/key", "1", key), sighting("team-a/unsigned", "1"), sighting("team-a/unverified", "1", unverified),
	})
	if len(proposal.Policies) != 1 {
		t.Fatalf("got %+v", proposal.Policies)
	}
	policy := proposal.Policies[0]
	if want := []string{"registry.example.com/team-a/api", "registry.example.com/team-a/web"}; !slices.Equal(policy.Repositories, want) {
		t.Errorf("it trusts %v, want %v", policy.Repositories, want)
	}
	if one := policy.Authorities[0]; len(policy.Authorities) != 1 || one.TrustRoot != "example" || one.Identity.Issuer != issuer || one.Identity.Subject != "" || one.Identity.IssuerRegExp != "" {
		t.Errorf("it trusts %+v", policy)
	}
	var allowed []string
	for _, one := range proposal.Allow {
		allowed = append(allowed, one.Image.Reference.Repository)
	}
	if want := []string{"registry.example.com/team-a/key", "registry.example.com/team-a/unsigned", "registry.example.com/team-a/unverified"}; !slices.Equal(allowed, want) {
		t.Errorf("digests are allowed of %v, want %v", allowed, want)
	}
	for _, each := range append(slices.Clone(policy.Repositories), allowed...) {
		if strings.ContainsAny(each, "*?[") {
			t.Errorf("%s is a pattern", each)
		}
	}
}

func TestPropose_IdentityLetsOnlyTheTagVary(t *testing.T) {
	for _, c := range []struct {
		subject      string
		also, exact  []string
		isExpression bool
	}{
		{
			subject: "https://git.example.com/a.b/.ci/release.yaml@refs/tags/v1", isExpression: true,
			also: []string{"https://git.example.com/a.b/.ci/release.yaml@refs/tags/v2"},
			exact: []string{
				"https://git.example.com/a.b/.ci/release.yaml@refs/heads/main", "https://git.example.com/axb/.ci/release.yaml@refs/tags/v1",
				"https://git.example.com/a.b/.ci/release.yaml@refs/tags/v1/x", "https://git.example.com/a.b/.ci/release.yaml@refs/tags/", "xhttps://git.example.com/a.b/.ci/release.yaml@refs/tags/v1",
			},
		},
		{subject: "https://git.example.com/a/.ci/release.yaml@refs/tags/api/v1"},
		{subject: "https://git.example.com/a@refs/tags/x@refs/tags/v1"},
		{subject: "https://git.example.com/a/.ci/release.yaml@refs/heads/main"},
		{subject: "team-a@example.com"},
	} {
		identity := setup.Propose([]setup.Sighting{sighting("team-a/web", "1", signedBy(c.subject))}).Policies[0].Authorities[0].Identity
		if !c.isExpression {
			if identity.Subject != c.subject || identity.SubjectRegExp != "" {
				t.Errorf("%s became %+v", c.subject, identity)
			}
			continue
		}
		expression := regexp.MustCompile(identity.SubjectRegExp)
		for _, text := range append(c.also, c.subject) {
			if identity.Subject != "" || !expression.MatchString(text) {
				t.Errorf("%+v does not match %s", identity, text)
			}
		}
		for _, text := range c.exact {
			if expression.MatchString(text) {
				t.Errorf("%+v matches %s", identity, text)
			}
		}
	}
}

func TestPropose_NamesAreDifferentAndStable(t *testing.T) {
	sightings := []setup.Sighting{
		sighting("team-a/web", "1", signedBy(subject)), sighting("team-a/web", "2", signedBy("team-a@example.com")), sighting("team/a-web", "1", signedBy("team-b@example.com")),
	}
	want := fmt.Sprint(setup.Propose(sightings))
	names := map[string]bool{}
	for _, policy := range setup.Propose(sightings).Policies {
		if names[policy.Name] {
			t.Errorf("two policies are named %s", policy.Name)
		}
		names[policy.Name] = true
	}
	if len(names) != 2 {
		t.Errorf("the names are %v", names)
	}
	for range 20 {
		slices.Reverse(sightings)
		if got := fmt.Sprint(setup.Propose(sightings)); got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
}

func TestPropose_RepositoryWithSeveralSignersIsInOnePolicy(t *testing.T) {
	proposal := setup.Propose([]setup.Sighting{
		sighting("team-a/web", "1", signedBy(subject)), sighting("team-a/web", "2", signedBy("team-a@example.com")), sighting("team-a/web", "3", signedBy(strings.Replace(subject, "/v1", "/v3", 1))),
		sighting("team-a/api", "1", signedBy("team-a@example.com")), sighting("team-a/job", "1", signedBy("team-a@example.com")),
		sighting("team-a/web", "4"), sighting("team-a/web", "5", verify.Signer{Key: true}), sighting("team-a/other", "6"),
	})
	if len(proposal.Policies) != 2 {
		t.Fatalf("got %+v", proposal.Policies)
	}
	shared, several := proposal.Policies[0], proposal.Policies[1]
	if len(shared.Repositories) != 2 || len(shared.Authorities) != 1 || len(several.Repositories) != 1 || len(several.Authorities) != 2 {
		t.Errorf("got %+v and %+v", shared, several)
	}
	rules := map[string]string{}
	for _, one := range proposal.Allow {
		rules[one.Image.Reference.Tag] = one.Rule
	}
	if want := map[string]string{"4": "image/not-signed", "5": "image/not-trusted", "6": "image/no-trust-rule"}; !maps.Equal(rules, want) {
		t.Errorf("the rules are %v, want %v", rules, want)
	}
}

func TestPropose_OfNothingIsNothing(t *testing.T) {
	if proposal := setup.Propose(nil); len(proposal.Policies)+len(proposal.Allow) > 0 {
		t.Errorf("got %+v", proposal)
	}
}

func TestSightings_SaysWhoSignedWhateverAPolicySays(t *testing.T) {
	s := newScene(t, ociserver.Options{})
	root, err := s.sigstore.TrustRootYAML("example")
	s.need(err)
	workflow := s.push("team-b/web:1", "workflow", "amd64")
	s.need(s.sigstore.SignBundle(t.Context(), workflow, throwaway.Signer{Issuer: issuer, Subject: subject}))
	s.push("team-b/unsigned:1", "unsigned", "amd64")
	s.push("team-b/silent:1", "silent", "amd64")
	made := s.setup(s.load(s.base("team-a", s.reach("")), "---\n"+root), nil)
	host := s.server.Host()
	source := s.app("all", web("key", s.image), web("workflow", host+"/team-b/web:1"), web("unsigned", host+"/team-b/unsigned:1"), web("silent", host+"/team-b/silent:1"), web("gone", host+"/team-b/gone:1"))
	images, findings, err := made.Images(t.Context(), source)
	s.need(err)
	if len(images) != 5 || !slices.ContainsFunc(findings, func(f plugin.Finding) bool {
		return f.Rule == "image/not-found" && f.Level == plugin.Deny && f.Image == host+"/team-b/gone:1"
	}) {
		t.Errorf("there are %d images and the findings %v", len(images), findings)
	}
	s.failing(http.StatusInternalServerError, "/team-b/silent/")
	sightings, err := made.Sightings(t.Context(), source, images)
	s.need(err)
	for _, one := range sightings {
		_, name, _ := strings.Cut(one.Image.Reference.Repository, "/")
		signers, problem := len(one.Signers), one.Problem != ""
		switch name {
		case "team-a/web":
			if signers != 1 || !one.Signers[0].Key || one.Signers[0].TrustRoot != "" || problem {
				t.Errorf("signed by a key: %+v", one)
			}
		case "team-b/web":
			if signers != 1 || one.Signers[0].Subject != subject || one.Signers[0].TrustRoot != "example" || problem {
				t.Errorf("signed by a workflow: %+v", one)
			}
		case "team-b/unsigned":
			if signers != 0 || problem {
				t.Errorf("unsigned: %+v", one)
			}
		default:
			if signers != 0 || !problem {
				t.Errorf("%s could not be looked at: %+v", name, one)
			}
		}
	}
	source.Application.Project = "team-b"
	if _, err := made.Sightings(t.Context(), source, images); ruleOf(err) != "gate/none" {
		t.Errorf("without a gate: %v", err)
	}
}

func ruleOf(err error) string {
	var refusal *plugin.Refusal
	if errors.As(err, &refusal) {
		return refusal.Rule
	}
	return ""
}

func TestImages_WhatDoesNotRenderIsAnError(t *testing.T) {
	s := newScene(t, ociserver.Options{})
	made := s.setup(s.usual(""), nil)
	for name, text := range map[string]string{"broken": "kind: [\n", "empty": ""} {
		if images, _, err := made.Images(t.Context(), s.app(name, text)); err == nil || len(images) > 0 {
			t.Errorf("%s: got %v", name, images)
		}
	}
	source := s.app("web", web("web", s.image))
	source.Application.Project = "team-b"
	if _, _, err := made.Images(t.Context(), source); ruleOf(err) != "gate/none" {
		t.Errorf("without a gate: %v", err)
	}
	source.Application.Project = "team-a"
	if images, _, err := made.Images(t.Context(), source); err != nil || len(images) != 1 || images[0].Digest != s.digest {
		t.Errorf("the twin: %v %v", images, err)
	}
}

func TestLockOf_HasAnEntryForEachTagThatHasAnAnswer(t *testing.T) {
	digest := "sha256:" + strings.Repeat("a", 64)
	image := func(repository, tag, written, resolved string) plugin.Image {
		return plugin.Image{Reference: plugin.Reference{Repository: "registry.example.com/" + repository, Tag: tag, Digest: written}, Digest: resolved}
	}
	present := &plugin.Lock{
		Images: []plugin.LockedImage{{Image: "registry.example.com/team-a/old:1", Digest: digest}},
		Charts: []plugin.LockedChart{{Chart: "oci://registry.example.com/charts/x", Version: "1.0.0", Digest: digest}},
	}
	lock := setup.LockOf([]plugin.Image{
		image("team-a/web", "1", "", digest), image("team-a/web", "1", "", digest), image("team-a/pinned", "1", digest, digest), image("team-a/gone", "1", "", ""),
	}, present)
	if want := []plugin.LockedImage{{Image: "registry.example.com/team-a/web:1", Digest: digest}}; !slices.Equal(lock.Images, want) || !slices.Equal(lock.Charts, present.Charts) {
		t.Errorf("got %+v", lock)
	}
	text, err := lock.Format()
	if err != nil {
		t.Fatal(err)
	}
	if back, err := plugin.ParseLock(text); err != nil || !slices.Equal(back.Images, lock.Images) {
		t.Errorf("it reads back as %+v, %v", back, err)
	}
	if lock := setup.LockOf(nil, nil); len(lock.Images)+len(lock.Charts) > 0 {
		t.Errorf("of nothing: %+v", lock)
	}
}
