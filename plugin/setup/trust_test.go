package setup_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
	"github.com/assay-gitops/assay/plugin/setup"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
	"github.com/assay-gitops/assay/plugin/verify/tuf"
)

// mirrored is a scene whose trust root comes from a mirror: one image is signed
// under the root that the mirror gives out first, another one under a later
// one's.
type mirrored struct {
	*scene

	mirror *throwaway.Mirror
	web    *httptest.Server
	asked  atomic.Int64
	// instead answers in the place of the mirror, where it is set.
	instead atomic.Pointer[http.HandlerFunc]
	second  *throwaway.Sigstore
	other   string
	options func(*setup.Options)
}

const signerOfTeamA = "https://builds.example.com/team-a"

func newMirrored(t *testing.T) *mirrored {
	t.Helper()
	m := &mirrored{scene: newScene(t, ociserver.Options{})}
	first, err := m.sigstore.TrustedRootJSON()
	m.need(err)
	m.mirror, err = throwaway.NewMirror(first)
	m.need(err)
	m.web = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.asked.Add(1)
		if instead := m.instead.Load(); instead != nil {
			(*instead)(w, r)
			return
		}
		m.mirror.ServeHTTP(w, r)
	}))
	t.Cleanup(m.web.Close)
	m.second, err = throwaway.New()
	m.need(err)
	m.second.Remote = m.remote()
	m.image = m.signedBy(m.sigstore, "team-a/first:1")
	m.other = m.signedBy(m.second, "team-a/second:1")
	folder := filepath.Join(t.TempDir(), "trust")
	m.options = func(o *setup.Options) { o.TrustDir = folder }
	return m
}

func (m *mirrored) signedBy(instance *throwaway.Sigstore, reference string) string {
	m.t.Helper()
	digest := m.push(reference, reference, "amd64")
	m.need(instance.SignBundle(m.t.Context(), digest, throwaway.Signer{Issuer: "https://issuer.example.com", Subject: signerOfTeamA}))
	return m.server.Host() + "/" + reference
}

// gates trust the signer under the mirror's root.
func (m *mirrored) gates(more string) []string {
	return []string{
		m.base("team-a", m.reach("")+fmt.Sprintf("  - {host: %q, private: true, plainHTTP: true}\n", strings.TrimPrefix(m.web.URL, "http://"))),
		fmt.Sprintf("---\napiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {name: release}\nspec:\n  images: [{glob: \"%s/team-a/**\"}]\n"+
			"  authorities:\n  - name: builds\n    keyless:\n      trustRootRef: private\n      identities: [{issuer: https://issuer.example.com, subject: %q}]\n", m.server.Host(), signerOfTeamA),
		fmt.Sprintf("---\napiVersion: policy.sigstore.dev/v1alpha1\nkind: TrustRoot\nmetadata: {name: private}\nspec:\n  remote:\n    root: %s\n    mirror: %s\n%s",
			base64.StdEncoding.EncodeToString(m.mirror.Root()), m.web.URL, more),
	}
}

func (m *mirrored) start(more string) *setup.Setup {
	m.t.Helper()
	return m.setup(m.load(m.gates(more)...), m.options)
}

func (m *mirrored) judge(s *setup.Setup, image string) *plugin.Verdict {
	m.t.Helper()
	return s.Judge(m.t.Context(), m.app("web", web("web", image)))
}

func (m *mirrored) says(v *plugin.Verdict, text string) {
	m.t.Helper()
	for _, finding := range v.Findings {
		if strings.Contains(finding.Message, text) {
			return
		}
	}
	m.t.Errorf("no finding says %q", text)
	for _, finding := range v.Findings {
		m.t.Logf("%s: %s", finding.Rule, finding.Message)
	}
}

func (m *mirrored) down() {
	answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "down", http.StatusServiceUnavailable) })
	m.instead.Store(&answer)
}

// refresh has little patience with what does not answer.
func (m *mirrored) refresh(s *setup.Setup) error {
	ctx, cancel := context.WithTimeout(m.t.Context(), 3*time.Second)
	defer cancel()
	return s.RefreshTrust(ctx, 0)
}

func TestTrust_AColdMirrorThatIsDownIsUndetermined(t *testing.T) {
	m := newMirrored(t)
	m.down()
	s := m.start("")
	if err := m.refresh(s); err == nil || !strings.Contains(err.Error(), "updating TrustRoot private from "+m.web.URL) {
		t.Errorf("refreshing: %v", err)
	}
	v := m.judge(s, m.image)
	m.want(v, plugin.Unanswered, "verify/no-answer")
	m.says(v, "TrustRoot private cannot be used: there is no copy of it yet")
	m.instead.Store(nil)
	m.need(m.refresh(s))
	m.want(m.judge(s, m.image), plugin.Allowed) // the twin: by the same Setup
}

func TestTrust_AWarmMirrorThatIsDownGoesOnToCount(t *testing.T) {
	m := newMirrored(t)
	m.need(m.refresh(m.start("")))
	m.down()
	s := m.start("") // another process
	if err := m.refresh(s); err == nil {
		t.Error("a mirror that is down was not told")
	}
	m.want(m.judge(s, m.image), plugin.Allowed)
	if warnings := s.TrustWarnings(); len(warnings) != 0 {
		t.Errorf("the copy is good for a year: %v", warnings)
	}
}

func TestTrust_AnExpiredCopyIsUndetermined(t *testing.T) {
	m := newMirrored(t)
	m.mirror.Ends["timestamp"] = m.now.Add(time.Hour)
	first, err := m.sigstore.TrustedRootJSON()
	m.need(err)
	m.need(m.mirror.Publish(first))
	s := m.start("")
	m.need(m.refresh(s))
	m.want(m.judge(s, m.image), plugin.Allowed)
	withGrace := m.start("    grace: 2h\n")
	m.down()
	m.now = m.now.Add(90 * time.Minute)
	_ = m.refresh(s)
	v := m.judge(s, m.image)
	m.want(v, plugin.Unanswered, "verify/no-answer")
	m.says(v, "the timestamp of its copy expired on")
	m.want(m.judge(withGrace, m.image), plugin.Allowed) // the twin
	m.now = m.now.Add(2 * time.Hour)
	m.says(m.judge(withGrace, m.image), "its grace of 2h0m0s is over")
}

func TestTrust_TheEndIsToldWellAhead(t *testing.T) {
	m := newMirrored(t)
	m.mirror.Ends["timestamp"] = m.now.Add(50 * time.Hour)
	first, err := m.sigstore.TrustedRootJSON()
	m.need(err)
	m.need(m.mirror.Publish(first))
	s := m.start("")
	m.need(m.refresh(s))
	if warnings := s.TrustWarnings(); len(warnings) != 0 {
		t.Errorf("twin: a mirror that answers signs anew in time: %v", warnings)
	}
	m.down()
	_ = m.refresh(s)
	warnings := s.TrustWarnings()
	if len(warnings) != 1 || !strings.Contains(warnings[0].Message, "TrustRoot private: the timestamp of its copy expires in 2 days, and it cannot be renewed") {
		t.Errorf("warnings: %v", warnings)
	}
}

func TestTrust_TheEndOfAMirrorsCopyIsToldInVerdictsThatUseIt(t *testing.T) {
	m := newMirrored(t)
	m.mirror.Ends["timestamp"] = m.now.Add(50 * time.Hour)
	first, err := m.sigstore.TrustedRootJSON()
	m.need(err)
	m.need(m.mirror.Publish(first))
	s := m.start("")
	m.need(m.refresh(s))
	if v := m.judge(s, m.image); has(v, "gate/trust-root", plugin.Warn) {
		t.Error("twin: a mirror that answers signs anew in time")
	}
	m.down()
	_ = m.refresh(s)
	v := m.judge(s, m.image)
	m.want(v, plugin.Allowed)
	m.says(v, "TrustRoot private: the timestamp of its copy expires in 2 days, and it cannot be renewed")
	if !has(v, "gate/trust-root", plugin.Warn) {
		t.Error("it is no warning of gate/trust-root")
	}
	unused := m.gates("")
	unused[1] = m.trust("release", m.key)
	other := m.setup(m.load(unused...), m.options)
	_ = m.refresh(other)
	if v := m.judge(other, m.image); has(v, "gate/trust-root", plugin.Warn) {
		t.Error("twin: no rule of the gate uses it")
	}
}

func TestTrust_TheEndOfAllAuthoritiesIsToldInVerdicts(t *testing.T) {
	m := newMirrored(t)
	for days, told := range map[int]bool{40: false, 20: true} {
		trusted, err := m.sigstore.TrustedRootUntil(m.now.AddDate(0, 0, days).Add(time.Hour))
		m.need(err)
		gates := m.gates("")
		gates[2] = "---\napiVersion: policy.sigstore.dev/v1alpha1\nkind: TrustRoot\nmetadata: {name: private}\nspec:\n  trustedRoot: '" + string(trusted) + "'\n"
		v := m.judge(m.setup(m.load(gates...), m.options), m.image)
		m.want(v, plugin.Allowed)
		if has(v, "gate/trust-root", plugin.Warn) != told {
			t.Errorf("%d days before the end: told %t", days, !told)
		}
		if told {
			m.says(v, "TrustRoot private: the last of its certificate authorities ends in 20 days")
		}
	}
}

func TestTrust_ARolledBackMirrorIsRefusedAlsoByTheNextProcess(t *testing.T) {
	m := newMirrored(t)
	older := m.mirror.Files()
	next, err := m.second.TrustedRootJSON()
	m.need(err)
	m.need(m.mirror.Publish(next))
	m.need(m.refresh(m.start("")))
	m.mirror.Offer(older)
	s := m.start("")
	if err := m.refresh(s); !errors.Is(err, tuf.ErrRolledBack) {
		t.Errorf("refreshing: %v", err)
	}
	m.want(m.judge(s, m.other), plugin.Allowed)
	m.want(m.judge(s, m.image), plugin.Denied, "image/not-trusted")
}

// What was verified under the trust root before proves nothing under the next.
func TestTrust_ANewRootCountsFromThenOnAndTheOldOneNoLonger(t *testing.T) {
	m := newMirrored(t)
	s := m.start("")
	m.need(m.refresh(s))
	m.want(m.judge(s, m.image), plugin.Allowed)
	m.want(m.judge(s, m.other), plugin.Denied, "image/not-trusted")
	next, err := m.second.TrustedRootJSON()
	m.need(err)
	m.need(m.mirror.Publish(next))
	m.need(m.refresh(s))
	m.want(m.judge(s, m.image), plugin.Denied, "image/not-trusted")
	m.want(m.judge(s, m.other), plugin.Allowed)
}

func TestTrust_NobodyIsAskedWhileAnApplicationIsJudged(t *testing.T) {
	m := newMirrored(t)
	s := m.start("")
	m.want(m.judge(s, m.image), plugin.Unanswered)
	m.need(m.refresh(s))
	before := m.asked.Load()
	m.want(m.judge(s, m.image), plugin.Allowed)
	m.need(s.RefreshTrust(t.Context(), time.Hour)) // the copy is younger
	if after := m.asked.Load(); before == 0 || after != before {
		t.Errorf("the mirror was asked %d times, then %d", before, after)
	}
}

func TestTrust_AHostileMirrorCostsLittleAndChangesNothing(t *testing.T) {
	endless := func(w http.ResponseWriter, _ *http.Request) {
		for range 100 << 10 {
			if _, err := w.Write(make([]byte, 1<<10)); err != nil {
				return
			}
		}
	}
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"100 MB":            {endless, "is over the limit"},
		"garbage":           {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }, "is refused"},
		"nothing":           {func(http.ResponseWriter, *http.Request) {}, "is refused"},
		"endless redirects": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/x"+r.URL.Path, http.StatusFound) }, "too many redirects"},
		"too late":          {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "deadline"},
		"forbidden":         {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }, "403"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMirrored(t)
			s := m.start("")
			m.need(m.refresh(s))
			m.instead.Store(&test.answer)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := s.RefreshTrust(ctx, 0); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("refreshing: %v, want %q", err, test.want)
			}
			m.want(m.judge(s, m.image), plugin.Allowed)
		})
	}
}

func TestTrust_TheMirrorOfAnotherRootIsRefused(t *testing.T) {
	m := newMirrored(t)
	other, err := throwaway.NewMirror(nil)
	m.need(err)
	gates := m.gates("")
	gates[2] = strings.Replace(gates[2], base64.StdEncoding.EncodeToString(m.mirror.Root()), base64.StdEncoding.EncodeToString(other.Root()), 1)
	s := m.setup(m.load(gates...), m.options)
	if err := m.refresh(s); err == nil || !strings.Contains(err.Error(), "timestamp") {
		t.Errorf("refreshing: %v", err)
	}
	m.want(m.judge(s, m.image), plugin.Unanswered)
}

func TestTrust_AMirrorInsideTheNetworkHasToBeListed(t *testing.T) {
	m := newMirrored(t)
	gates := m.gates("")
	gates[0] = m.base("team-a", m.reach(""))
	s := m.setup(m.load(gates...), m.options)
	if err := m.refresh(s); err == nil || !strings.Contains(err.Error(), "it is not HTTPS") {
		t.Errorf("plain HTTP: %v", err)
	}
	gates[2] = strings.Replace(gates[2], "http://", "https://", 1)
	s = m.setup(m.load(gates...), m.options)
	if err := m.refresh(s); err == nil || !strings.Contains(err.Error(), "which is not public") {
		t.Errorf("an address that is not public: %v", err)
	}
	if m.asked.Load() != 0 {
		t.Error("the mirror was asked all the same")
	}
}

func TestTrust_ARootThatNoRuleCanWorkWithChangesNothing(t *testing.T) {
	m := newMirrored(t)
	s := m.start("")
	m.need(m.refresh(s))
	m.need(m.mirror.Publish([]byte(`{"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1"}`)))
	if err := m.refresh(s); err == nil {
		t.Error("a trusted root without anything was taken")
	}
	m.want(m.judge(s, m.image), plugin.Allowed)
}

func TestTrust_TheDiskMayBeLost(t *testing.T) {
	m := newMirrored(t)
	m.options = func(o *setup.Options) { o.TrustDir = "/dev/null/nowhere" }
	s := m.start("")
	if err := m.refresh(s); err == nil || !strings.Contains(err.Error(), "saving the copy of TrustRoot private") {
		t.Errorf("refreshing: %v", err)
	}
	m.want(m.judge(s, m.image), plugin.Allowed)
}

func TestTrust_ARefreshDisturbsNoRun(t *testing.T) {
	m := newMirrored(t)
	s := m.start("")
	m.need(m.refresh(s))
	source := m.app("web", web("web", m.image))
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 5 {
				if v := s.Judge(t.Context(), source); v.Outcome() != plugin.Allowed {
					t.Errorf("%s", v.Outcome())
				}
			}
		})
	}
	first, err := m.sigstore.TrustedRootJSON()
	m.need(err)
	for range 5 {
		m.need(m.mirror.Publish(first))
		m.need(m.refresh(s))
	}
	group.Wait()
}

func TestTrust_TheBackgroundEndsWithItsContext(t *testing.T) {
	m := newMirrored(t)
	s := m.start("")
	var told bytes.Buffer
	stop := s.KeepTrust(t.Context(), slog.New(slog.NewJSONHandler(&told, nil)))
	for m.judge(s, m.image).Outcome() != plugin.Allowed {
		time.Sleep(10 * time.Millisecond)
	}
	stop()
	if told.Len() > 0 {
		t.Error(told.String())
	}
}

func TestTrust_SeveralMirrorsShareNothing(t *testing.T) {
	m := newMirrored(t)
	next, err := m.second.TrustedRootJSON()
	m.need(err)
	mirror, err := throwaway.NewMirror(next)
	m.need(err)
	web := httptest.NewServer(mirror)
	t.Cleanup(web.Close)
	gates := append(m.gates(""), fmt.Sprintf("---\napiVersion: policy.sigstore.dev/v1alpha1\nkind: TrustRoot\nmetadata: {name: other}\nspec:\n  remote:\n    root: %s\n    mirror: %s\n",
		base64.StdEncoding.EncodeToString(mirror.Root()), web.URL))
	gates[0] += fmt.Sprintf("  - {host: %q, private: true, plainHTTP: true}\n", strings.TrimPrefix(web.URL, "http://"))
	gates[1] += fmt.Sprintf("  - name: others\n    keyless:\n      trustRootRef: other\n      identities: [{issuer: https://issuer.example.com, subject: %q}]\n", signerOfTeamA)
	m.down()
	s := m.setup(m.load(gates...), m.options)
	if err := m.refresh(s); err == nil || strings.Contains(err.Error(), "TrustRoot other") {
		t.Errorf("refreshing: %v", err)
	}
	m.want(m.judge(s, m.other), plugin.Allowed)
	m.want(m.judge(s, m.image), plugin.Unanswered)
}
