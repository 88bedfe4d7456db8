package setup_test

import (
	"bytes"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/registry/facts"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
	"github.com/assay-gitops/assay/plugin/report"
	"github.com/assay-gitops/assay/plugin/setup"
)

const tenantPassword = "pw-tenant-9"

// guarded is a scene whose registry opens for one password.
func guarded(t *testing.T) *scene {
	t.Helper()
	s := newScene(t, ociserver.Options{})
	s.server.SetFault(func(r *http.Request) *ociserver.Fault {
		if _, password, _ := r.BasicAuth(); password == tenantPassword {
			return nil
		}
		return &ociserver.Fault{Status: 401, Header: http.Header{"Www-Authenticate": {`Basic realm="registry"`}}}
	})
	return s
}

// lending lists a prefix of the registry for tenants.
func (s *scene) lending(prefix string) string {
	return fmt.Sprintf("  tenantCredentials:\n  - {host: %q, prefix: %s}\n", s.server.Host(), prefix)
}

func (s *scene) tenant(name, password string) *registry.Tenant {
	return &registry.Tenant{Name: name, Credentials: []registry.TenantCredential{{
		Repositories: registry.Repositories{Host: s.server.Host()}, Credential: registry.Credential{Username: "puller", Password: password},
	}}}
}

// silent demands that no text of a verdict shows a password.
func (s *scene) silent(v *plugin.Verdict) {
	s.t.Helper()
	var all bytes.Buffer
	for _, format := range report.Formats() {
		reporter, err := report.For(format, report.Options{})
		s.need(err)
		s.need(reporter.Report(&all, v))
	}
	fmt.Fprintf(&all, "%+v %s", v.Findings, report.Door{}.Condition(v, "id"))
	if strings.Contains(all.String(), "pw-") {
		s.t.Errorf("a text shows a password")
	}
}

func TestJudgeWith_PrivateImageIsVerifiedWithTheTenantsCredential(t *testing.T) {
	for prefix, outcome := range map[string]plugin.Outcome{"team-a/": plugin.Allowed, "team-b/": plugin.Unanswered} {
		t.Run(prefix, func(t *testing.T) {
			s := guarded(t)
			made := s.setup(s.usual(s.lending(prefix)), nil)
			source := s.app("web", web("web", s.image))
			tenant := s.tenant("team-a/pull", tenantPassword)
			v := made.JudgeWith(t.Context(), source, tenant)
			s.want(v, outcome)
			s.silent(v)
			if has(v, "registry/pull-secret", plugin.Warn) != (outcome != plugin.Allowed) {
				t.Errorf("%+v", v.Findings)
			}
			v = made.Judge(t.Context(), source)
			s.want(v, plugin.Unanswered)
			if has(v, "registry/pull-secret", plugin.Warn) || len(v.Images) != 1 || v.Images[0].Config != nil || len(v.Images[0].Evidence) > 0 {
				t.Errorf("without the tenant: %+v", v)
			}
			if outcome != plugin.Allowed {
				return
			}
			s.server.ResetRequests()
			s.want(made.JudgeWith(t.Context(), source, tenant), plugin.Allowed)
			if count := s.server.Count(); count != 0 {
				t.Errorf("%d requests while everything is fresh", count)
			}
		})
	}
}

func TestJudgeWith_UnusedSecretIsToldOnceWithTheRepository(t *testing.T) {
	s := guarded(t)
	made := s.setup(s.usual(""), nil)
	v := made.JudgeWith(t.Context(), s.app("web", web("web", s.image), web("other", s.server.Host()+"/team-c/web:1")), s.tenant("team-a/pull", tenantPassword))
	s.want(v, plugin.Unanswered)
	var told []string
	for _, finding := range v.Findings {
		if finding.Rule == "registry/pull-secret" {
			told = append(told, finding.Message)
		}
	}
	want := fmt.Sprintf("the pull secret team-a/pull has a credential for %[1]s/team-a/web, %[1]s/team-c/web, which was not used: the gate does not list it under tenantCredentials", s.server.Host())
	if len(told) != 1 || told[0] != want {
		t.Errorf("%q", told)
	}
}

func TestJudgeWith_TenantsShareNoFacts(t *testing.T) {
	s := guarded(t)
	dir, key := filepath.Join(t.TempDir(), "facts"), filepath.Join(t.TempDir(), "key")
	config := s.usual(s.lending("team-a/"))
	process := func() *setup.Setup {
		return s.setup(config, func(o *setup.Options) {
			store, err := facts.Open(facts.Options{Dir: dir, KeyFile: key, Bytes: 64 << 20})
			s.need(err)
			o.Facts = store
		})
	}
	source := s.app("web", web("web", s.image))
	made := process()
	asked := func(made *setup.Setup, tenant *registry.Tenant, want plugin.Outcome) int {
		t.Helper()
		s.server.ResetRequests()
		v := made.JudgeWith(t.Context(), source, tenant)
		s.want(v, want)
		s.silent(v)
		return s.server.Count()
	}
	first := asked(made, s.tenant("team-a/pull", tenantPassword), plugin.Allowed)
	if again := asked(made, s.tenant("team-a/pull", tenantPassword), plugin.Allowed); first == 0 || again != 0 {
		t.Errorf("%d requests first, %d again", first, again)
	}
	for name, made := range map[string]*setup.Setup{"this process": made, "the next process": process()} {
		if count := asked(made, s.tenant("team-a/pull", tenantPassword), plugin.Allowed); count != 0 {
			t.Errorf("%s: %d requests for the same tenant", name, count)
		}
		if count := asked(made, s.tenant("team-b/"+name, tenantPassword), plugin.Allowed); count != first {
			t.Errorf("%s: %d requests for another tenant with the same password, want %d", name, count, first)
		}
		if count := asked(made, s.tenant("team-a/pull", "pw-other"), plugin.Unanswered); count == 0 {
			t.Errorf("%s: a changed password asked nothing", name)
		}
		if count := asked(made, nil, plugin.Unanswered); count == 0 {
			t.Errorf("%s: without a tenant nothing was asked", name)
		}
	}
}

// TestJudgeWith_WrongPasswordIsNoAnswerThatLasts as with the gate's own
// credentials, and it says whose credential it was.
func TestJudgeWith_WrongPasswordIsNoAnswerThatLasts(t *testing.T) {
	s := guarded(t)
	made := s.setup(s.usual(s.lending("team-a/")), nil)
	v := made.JudgeWith(t.Context(), s.app("web", web("web", s.image)), s.tenant("team-a/pull", "pw-wrong"))
	s.want(v, plugin.Unanswered, "resolve/no-answer")
	s.silent(v)
	if !report.Lasting(v) || !strings.Contains(report.Door{}.Condition(v, ""), "pull secret team-a/pull") {
		t.Error(report.Door{}.Condition(v, ""))
	}
}

// TestJudgeWith_EveryGateMustListIt: a second base gate that says nothing takes
// the permission away.
func TestJudgeWith_EveryGateMustListIt(t *testing.T) {
	for lists, outcome := range map[bool]plugin.Outcome{true: plugin.Allowed, false: plugin.Unanswered} {
		s := guarded(t)
		second := strings.Replace(s.base("team-a", s.reach("")), "metadata: {name: team-a}", "metadata: {name: second}", 1)
		if lists {
			second += s.lending("team-a/web/")
		}
		made := s.setup(s.load(s.base("team-a", s.reach("")+s.lending("team-a/")), second, s.trust("release", s.key)), nil)
		s.want(made.JudgeWith(t.Context(), s.app("web", web("web", s.image)), s.tenant("team-a/pull", tenantPassword)), outcome)
	}
}

func TestJudgeWith_SameGateIsOnePipelineForAllTenants(t *testing.T) {
	s := guarded(t)
	made := s.setup(s.usual(s.lending("team-a/")), nil)
	source := s.app("web", web("web", s.image))
	before, err := made.Pipeline(source)
	s.need(err)
	for i := range 20 {
		s.want(made.JudgeWith(t.Context(), source, s.tenant(fmt.Sprintf("team-%d/pull", i), tenantPassword)), plugin.Allowed)
	}
	after, err := made.Pipeline(source)
	if err != nil || before != after {
		t.Errorf("the pipeline is another one, %v", err)
	}
}

// TestJudgeWith_WhatIsPassedOverOfTheSecretIsTold and stops nothing.
func TestJudgeWith_WhatIsPassedOverOfTheSecretIsTold(t *testing.T) {
	s := guarded(t)
	made := s.setup(s.usual(s.lending("team-a/")), nil)
	tenant := s.tenant("team-a/pull", tenantPassword)
	tenant.Ignored = []string{"an entry", "another", "a third", "a fourth"}
	v := made.JudgeWith(t.Context(), s.app("web", web("web", s.image)), tenant)
	s.want(v, plugin.Allowed)
	if !strings.Contains(fmt.Sprint(v.Findings), "of the pull secret team-a/pull is not used: an entry; another; a third and 1 more") {
		t.Errorf("%+v", v.Findings)
	}
}
