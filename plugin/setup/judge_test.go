package setup_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
	"github.com/assay-gitops/assay/plugin/render"
	"github.com/assay-gitops/assay/plugin/report"
	"github.com/assay-gitops/assay/plugin/setup"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

func lenient(o *setup.Options) { o.Lenient = true }

func locked(o *setup.Options) { o.LockRequired = true }

func TestJudge_LenientLowersNoTrustRuleAndNothingElse(t *testing.T) {
	s := newScene(t, ociserver.Options{})
	config := s.usual("")
	s.push("team-a/unsigned:1", "unsigned", "amd64")
	s.push("team-b/web:1", "uncovered", "amd64")
	uncovered := s.app("uncovered", web("web", s.server.Host()+"/team-b/web:1"))
	unsigned := s.app("unsigned", web("web", s.server.Host()+"/team-a/unsigned:1"))
	privileged := s.app("privileged", strings.Replace(web("web", s.image), "- name: web\n", "- name: web\n        securityContext: {privileged: true}\n", 1))
	strict, kind := s.setup(config, nil), s.setup(config, lenient)
	s.want(strict.Judge(t.Context(), uncovered), plugin.Denied, "image/no-trust-rule")
	v := kind.Judge(t.Context(), uncovered)
	s.want(v, plugin.Allowed)
	if !has(v, "image/no-trust-rule", plugin.Warn) {
		t.Error("nothing warns about the image that no rule covers")
	}
	for _, source := range []plugin.Source{unsigned, privileged} {
		before, after := strict.Judge(t.Context(), source), kind.Judge(t.Context(), source)
		s.want(after, plugin.Denied)
		if fmt.Sprint(blocking(before)) != fmt.Sprint(blocking(after)) {
			t.Errorf("%s: lenient blocks by %v in place of %v", source.Path, blocking(after), blocking(before))
		}
	}
}

// unsafe is much of what a gate may object to, and reads its image over a
// registry that may be down.
func unsafe(image string) string {
	return strings.Replace(web("unsafe", image), "- name: web\n", "- name: web\n        securityContext: {privileged: true}\n        env: [{name: OTHER_IMAGE, value: \"registry.example.com/x:1\"}]\n", 1) +
		"---\napiVersion: v1\nkind: Secret\nmetadata: {name: plain}\nstringData: {password: x}\n"
}

func TestJudge_AuditIsThePlainRenderingAndBlocksNothing(t *testing.T) {
	for _, encoding := range []plugin.Encoding{plugin.JSONEncoding{}, plugin.YAMLEncoding{}} {
		for _, status := range []int{0, http.StatusInternalServerError} {
			t.Run(fmt.Sprintf("%T/%d", encoding, status), func(t *testing.T) {
				s := newScene(t, ociserver.Options{})
				made := s.setup(s.usual("  switches: {pin: Off, harden: Off, deny: Off}\n"), func(o *setup.Options) { o.Encoding, o.LockRequired = encoding, true })
				source := s.app("unsafe", unsafe(s.image), web("unsigned", s.server.Host()+"/team-a/gone:1"))
				if status > 0 {
					s.failing(status, "/")
				}
				v := made.Judge(t.Context(), source)
				s.want(v, plugin.Allowed)
				got, err := v.Manifests()
				s.need(err)
				rendering, err := render.New(render.Options{Limits: plugin.DefaultLimits()}).Render(t.Context(), source)
				s.need(err)
				want, err := encoding.Encode(rendering.Objects)
				s.need(err)
				if !bytes.Equal(got, want) {
					t.Errorf("audit changes the rendering from\n%s\nto\n%s", want, got)
				}
				if v.Pinned || len(report.Rollouts(v)) > 0 {
					t.Errorf("audit says that workloads roll: %v", report.Rollouts(v))
				}
				if !has(v, "image/not-locked", plugin.Warn) || !has(v, "pss/privileged", plugin.Warn) {
					t.Error("audit does not say what would be denied")
				}
			})
		}
	}
}

func TestJudge_AuditBlocksWhatNothingWaives(t *testing.T) {
	s := newScene(t, ociserver.Options{})
	made := s.setup(s.usual("  switches: {pin: Off, harden: Off, deny: Off}\n"), nil)
	s.want(made.Judge(t.Context(), s.app("gate", web("web", s.image), "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: x}\nspec: {project: default, destination: {namespace: x}, source: {repoURL: x}}\n")), plugin.Denied)
	s.want(made.Judge(t.Context(), s.app("empty", "")), plugin.Denied, "render/empty")
	s.want(made.Judge(t.Context(), s.app("broken", "kind: [\n")), plugin.Denied)
	s.want(made.Judge(t.Context(), s.app("plain", web("web", s.image))), plugin.Allowed)
}

func TestJudge_PinAndHardenAreSwitchesOfTheirOwn(t *testing.T) {
	for _, c := range []struct{ pin, harden bool }{{true, true}, {true, false}, {false, true}, {false, false}} {
		t.Run(fmt.Sprintf("pin=%t,harden=%t", c.pin, c.harden), func(t *testing.T) {
			s := newScene(t, ociserver.Options{})
			word := map[bool]string{true: "On", false: "Off"}
			made := s.setup(s.usual(fmt.Sprintf("  switches: {pin: %s, harden: %s, deny: Off}\n", word[c.pin], word[c.harden])), nil)
			v := made.Judge(t.Context(), s.app("web", web("web", s.image)))
			s.want(v, plugin.Allowed)
			manifests, err := v.Manifests()
			s.need(err)
			if pinned := bytes.Contains(manifests, []byte(s.image+"@"+s.digest)); pinned != c.pin || v.Pinned != c.pin {
				t.Errorf("pinned: %t, and the verdict says %t", pinned, v.Pinned)
			}
			if hardened := bytes.Contains(manifests, []byte("allowPrivilegeEscalation")); hardened != c.harden {
				t.Errorf("hardened: %t", hardened)
			}
			if rolls := report.Rollouts(v); (len(rolls) > 0) != (c.pin || c.harden) {
				t.Errorf("rolls: %v", rolls)
			}
		})
	}
}

func TestJudge_RequiredPlatformsMustBeInTheIndex(t *testing.T) {
	s := newScene(t, ociserver.Options{})
	both := s.push("team-a/both:1", "both", "amd64", "arm64")
	s.sign(both)
	made := s.setup(s.usual("  profile: none\n  images: {platforms: [linux/amd64, linux/arm64]}\n  judge: {podSecurity: {level: privileged}}\n"), nil)
	s.want(made.Judge(t.Context(), s.app("one", web("web", s.image))), plugin.Denied, "image/platform-missing")
	s.want(made.Judge(t.Context(), s.app("both", web("web", s.server.Host()+"/team-a/both:1"))), plugin.Allowed)
	s.failing(http.StatusInternalServerError, "/manifests/"+s.digest)
	fresh := s.setup(s.usual("  images: {platforms: [linux/amd64]}\n"), nil)
	s.want(fresh.Judge(t.Context(), s.app("silent", web("web", s.image))), plugin.Unanswered)
}

func TestJudge_LockByTheDoorAndByTheGate(t *testing.T) {
	entry := func(s *scene) string {
		return fmt.Sprintf("apiVersion: assay.dev/v1alpha1\nkind: ImagesLock\nimages:\n- image: %q\n  digest: %s\n", s.image, s.digest)
	}
	for _, c := range []struct {
		name, mode string
		door       func(*setup.Options)
		lock       bool
		outcome    plugin.Outcome
	}{
		{"the door demands an entry", "", locked, false, plugin.Denied},
		{"there is one", "", locked, true, plugin.Allowed},
		{"the door does not", "", nil, false, plugin.Allowed},
		{"the gate demands it", "  lock: {mode: Locked}\n", nil, false, plugin.Denied},
		{"the gate does not", "  lock: {mode: Resolve}\n", locked, false, plugin.Allowed},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t, ociserver.Options{})
			made := s.setup(s.usual(c.mode), c.door)
			source := s.app("web", web("web", s.image))
			if c.lock {
				s.need(os.WriteFile(filepath.Join(s.dir, "apps/web", plugin.LockFile), []byte(entry(s)), 0o600))
			}
			if c.outcome == plugin.Denied {
				s.want(made.Judge(t.Context(), source), plugin.Denied, "image/not-locked")
				return
			}
			s.want(made.Judge(t.Context(), source), c.outcome)
		})
	}
}

func TestJudge_BreakGlassOpensWhileTheRegistryIsDown(t *testing.T) {
	s := newScene(t, ociserver.Options{})
	window := fmt.Sprintf("  breakGlass:\n  - {application: web, revision: r1, reason: registry is down, approver: platform@example.com, from: %s, until: %s}\n",
		s.now.Add(-time.Hour).Format(time.RFC3339), s.now.Add(time.Hour).Format(time.RFC3339))
	made := s.setup(s.usual(window), nil)
	source := s.app("web", web("web", s.image))
	s.need(s.server.Close())
	v := made.Judge(t.Context(), source)
	s.want(v, plugin.Allowed)
	if !strings.Contains(v.Banner, "platform@example.com") || !has(v, "image/not-pinned", plugin.Warn) || !has(v, "resolve/no-answer", plugin.Warn) {
		t.Errorf("the banner is %q, and the findings do not warn: %v", v.Banner, v.Findings)
	}
	for name, other := range map[string]func(*plugin.Source){
		"another revision":    func(o *plugin.Source) { o.Revision = "r2" },
		"no revision":         func(o *plugin.Source) { o.Revision = "" },
		"another application": func(o *plugin.Source) { o.Application.Name = "api" },
	} {
		changed := source
		other(&changed)
		if v := made.Judge(t.Context(), changed); v.Outcome() != plugin.Unanswered || v.Banner != "" {
			t.Errorf("%s: %s, banner %q", name, v.Outcome(), v.Banner)
		}
	}
	s.now = s.now.Add(time.Hour)
	v = made.Judge(t.Context(), source)
	s.want(v, plugin.Unanswered)
	if v.Banner != "" {
		t.Errorf("after its end the banner is %q", v.Banner)
	}
}

func TestJudge_BreakGlassDoesNotOpenSelf(t *testing.T) {
	s := newScene(t, ociserver.Options{})
	window := fmt.Sprintf("  breakGlass:\n  - {application: APP, revision: r1, reason: urgent, approver: platform@example.com, from: %s, until: %s}\n",
		s.now.Add(-time.Hour).Format(time.RFC3339), s.now.Add(time.Hour).Format(time.RFC3339))
	made := s.setup(s.usual(strings.Replace(window, "APP", "gate", 1)), nil)
	s.want(made.Judge(t.Context(), s.app("gate", web("web", s.image), "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: x}\nspec: {sourceRef: {kind: GitRepository, name: x}, path: ., prune: true, interval: 1h}\n")), plugin.Denied)
}

func TestJudge_DenialWinsOverNoAnswer(t *testing.T) {
	s := newScene(t, ociserver.Options{})
	s.push("team-a/unsigned:1", "unsigned", "amd64")
	made := s.setup(s.usual(""), nil)
	silent, unsigned := web("silent", s.server.Host()+"/team-a/silent:1"), web("unsigned", s.server.Host()+"/team-a/unsigned:1")
	s.failing(http.StatusInternalServerError, "/team-a/silent/")
	v := made.Judge(t.Context(), s.app("both", silent, unsigned))
	s.want(v, plugin.Denied, "resolve/no-answer")
	s.want(made.Judge(t.Context(), s.app("silent", silent)), plugin.Unanswered)
	s.want(made.Judge(t.Context(), s.app("unsigned", unsigned)), plugin.Denied)
}

func TestJudge_OneGateThatDeniesIsEnough(t *testing.T) {
	s := newScene(t, ociserver.Options{})
	other, err := throwaway.NewKey()
	s.need(err)
	for _, deny := range []string{"On", "Off"} {
		config := s.load(s.base("team-a", s.reach("")+"  trust: {policies: [release]}\n"),
			s.gate("more", "  trust: {policies: [second]}\n  switches: {deny: "+deny+"}\n"), s.trust("release", s.key), s.trust("second", other))
		v := s.setup(config, nil).Judge(t.Context(), s.app("web", web("web", s.image)))
		if deny == "Off" {
			s.want(v, plugin.Allowed)
			continue
		}
		s.want(v, plugin.Denied)
		for _, finding := range v.Findings {
			if finding.Level.Blocks() && finding.Gate != "more" {
				t.Errorf("%s of gate %q blocks: %s", finding.Rule, finding.Gate, finding.Message)
			}
		}
	}
}

func TestJudge_LimitsOfTheGateHold(t *testing.T) {
	s := newScene(t, ociserver.Options{})
	config := s.usual("")
	config.Gates[0].Spec.Limits["findingsPerVerdict"] = 2
	v := s.setup(config, nil).Judge(t.Context(), s.app("web", web("web", s.image)))
	s.want(v, plugin.Allowed)
	if len(v.Findings) != 3 || !has(v, "report/limit", plugin.Warn) {
		t.Errorf("there are %d findings", len(v.Findings))
	}
	config = s.usual("")
	source := s.app("web", web("web", s.image))
	lock := fmt.Sprintf("apiVersion: assay.dev/v1alpha1\nkind: ImagesLock\nimages:\n- image: %q\n  digest: %s\n", s.image, s.digest)
	s.need(os.WriteFile(filepath.Join(s.dir, "apps/web", plugin.LockFile), []byte(lock+strings.Repeat("#\n", 2000)), 0o600))
	s.want(s.setup(config, nil).Judge(t.Context(), source), plugin.Allowed)
	config = s.usual("")
	config.Gates[0].Spec.Limits["fileBytes"] = 3000
	s.want(s.setup(config, nil).Judge(t.Context(), source), plugin.Denied, "lock/invalid")
}

func TestJudge_StaleAnswersAreUsedForAWhileAndSaidSo(t *testing.T) {
	s := newScene(t, ociserver.Options{})
	made := s.setup(s.usual("  freshness: {freshFor: 5m, staleFor: 24h}\n"), nil)
	source := s.app("web", web("web", s.image))
	s.want(made.Judge(t.Context(), source), plugin.Allowed)
	s.failing(http.StatusInternalServerError, "/")
	s.now = s.now.Add(4 * time.Minute)
	s.want(made.Judge(t.Context(), source), plugin.Allowed)
	s.now = s.now.Add(2 * time.Minute)
	v := made.Judge(t.Context(), source)
	s.want(v, plugin.Allowed)
	if !has(v, "image/stale", plugin.Warn) || v.Images[0].DigestFrom != plugin.DigestStale {
		t.Errorf("nothing says that the answer is old: %v", v.Findings)
	}
	s.now = s.now.Add(24 * time.Hour)
	s.want(made.Judge(t.Context(), source), plugin.Unanswered)
}

func TestJudge_BreakGlassCoversADenialUntilItsEnd(t *testing.T) {
	s := newScene(t, ociserver.Options{})
	s.push("team-a/unsigned:1", "unsigned", "amd64")
	window := fmt.Sprintf("  breakGlass:\n  - {application: web, revision: r1, reason: urgent, approver: platform@example.com, from: %s, until: %s}\n",
		s.now.Add(time.Minute).Format(time.RFC3339), s.now.Add(time.Hour).Format(time.RFC3339))
	made := s.setup(s.usual(window), nil)
	source := s.app("web", web("web", s.server.Host()+"/team-a/unsigned:1"))
	for _, c := range []struct {
		later   time.Duration
		outcome plugin.Outcome
	}{{0, plugin.Denied}, {time.Minute, plugin.Allowed}, {59 * time.Minute, plugin.Allowed}, {time.Hour, plugin.Denied}} {
		at := s.now
		s.now = at.Add(c.later)
		s.want(made.Judge(t.Context(), source), c.outcome)
		s.now = at
	}
}
