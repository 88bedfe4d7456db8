package refresh

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/assay-gitops/assay/plugin/gate"
)

func TestRefresher_AChangedGateReachesThoseWhoseGateItIs(t *testing.T) {
	w := newWorld(t)
	w.app("team-a", "one")
	w.app("team-b", "other")
	w.app("team-a", "two")
	r := w.refresher()
	if w.rounds(r, 2); w.asked() != "nobody" {
		t.Fatalf("without a change %s were asked", w.asked())
	}
	w.gateOf("team-a", "  profile: none\n")
	w.served()
	if w.rounds(r, 1); w.asked() != "nobody" {
		t.Errorf("before the change stood, %s were asked", w.asked())
	}
	if w.rounds(r, 2); w.asked() != "one two" {
		t.Errorf("asked were %s", w.asked())
	}
	w.judged("one")
	w.judged("two")
	if w.rounds(r, 50); w.asked() != "one two" {
		t.Errorf("after they were judged, asked were %s", w.asked())
	}
}

func TestRefresher_NeverAsksFasterThanTheRate(t *testing.T) {
	w := newWorld(t)
	w.rate = 4
	for i := range 100 {
		w.app("team-a", fmt.Sprintf("app-%03d", i))
	}
	r := w.refresher()
	w.rounds(r, 1)
	w.gateOf("team-a", "  profile: none\n")
	w.served()
	w.rounds(r, 1)
	begun := w.clock.now
	r = w.refresher() // a process that follows on another begins without a turn saved up
	w.rounds(r, 3)
	if len(w.asks) != 100 {
		t.Fatalf("%d asks", len(w.asks))
	}
	last := begun.Add(-time.Second)
	for _, one := range w.asks {
		if one.at.Sub(last) < 250*time.Millisecond {
			t.Fatalf("%s was asked %s after the one before", one.name, one.at.Sub(last))
		}
		last = one.at
	}
}

func TestRefresher_AsksWithdrawnTrustFirst(t *testing.T) {
	w := newWorld(t)
	w.app("team-b", "a-policy")
	ends := w.app("team-b", "b-waiver")
	ends.Exceptions = []Exception{{Name: "waiver of image/not-signed", Until: w.clock.now.Add(-time.Minute)}}
	w.app("team-a", "z-incident")
	w.apps = append(w.apps, Application{Namespace: "argocd", Name: "0-unknown", UID: "u", Instance: "0-unknown", Project: "team-a", Sources: []Source{{Repository: "r"}}})
	w.trust("subject: another")
	w.gateOf("team-b", "  profile: none\n")
	w.served()
	r := w.refresher()
	if w.rounds(r, 1); w.asked() != "z-incident b-waiver a-policy 0-unknown" {
		t.Errorf("asked were %s", w.asked())
	}
	if !strings.Contains(w.log.String(), "release (https://issuer.example.com) vouched for r.example.com/a/web@sha256:") {
		t.Errorf("the log does not say whose trust was withdrawn:\n%s", w.log.String())
	}
}

func TestRefresher_AnIncidentDoesNotWaitForAnEarlierAsk(t *testing.T) {
	w := newWorld(t)
	w.app("team-a", "one")
	w.gateOf("team-a", "  profile: none\n")
	w.served()
	r := w.refresher()
	if w.rounds(r, 4); w.asked() != "one" {
		t.Fatalf("within the pause, asked were %s", w.asked())
	}
	w.trust("subject: another")
	w.served()
	if w.rounds(r, 4); w.asked() != "one one" {
		t.Errorf("asked were %s", w.asked())
	}
}

func TestRefresher_AsksAgainAfterGrowingPauses(t *testing.T) {
	w := newWorld(t)
	w.app("team-a", "one")
	w.gateOf("team-a", "  profile: none\n")
	w.served()
	r := w.refresher()
	w.rounds(r, 3*120) // three hours in which no new record comes
	if got := len(w.asks); got != 5 {
		t.Fatalf("%d asks", got)
	}
	for i, want := range []time.Duration{10, 20, 40, 80} {
		if got := w.asks[i+1].at.Sub(w.asks[i].at); got < want*time.Minute || got > want*time.Minute+time.Minute {
			t.Errorf("pause %d was %s", i, got)
		}
	}
}

func TestRefresher_SilentOnesAreCountedWhileTheyPause(t *testing.T) {
	for name, c := range map[string]struct {
		then func(*world)
		want float64
	}{
		"no record comes":    {func(*world) {}, 1},
		"a record comes":     {func(w *world) { w.judged("one") }, 0},
		"Argo CD has yet to": {func(w *world) { w.apps[0].Pending = true }, 0},
		"it is not there":    {func(w *world) { w.apps = nil }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.app("team-a", "one")
			w.gateOf("team-a", "  profile: none\n")
			w.served()
			r := w.refresher()
			for range 21 {
				if w.rounds(r, 1); gather(t, r, "assay_refresh_silent") != 0 {
					t.Fatal("it is silent within its first pause")
				}
			}
			for i := range 30 { // the pauses after the first are longer than these rounds
				if w.rounds(r, 1); gather(t, r, "assay_refresh_silent") != 1 {
					t.Fatalf("in round %d after the pause it is not silent; asked were %s", i, w.asked())
				}
			}
			c.then(w)
			if w.rounds(r, 1); gather(t, r, "assay_refresh_silent") != c.want {
				t.Errorf("%v are silent", gather(t, r, "assay_refresh_silent"))
			}
		})
	}
}

func TestRefresher_DoesNotAskBeforeTheSidecarsHaveTheGate(t *testing.T) {
	w := newWorld(t)
	w.app("team-a", "one")
	ends := w.app("team-b", "two")
	r := w.refresher()
	w.rounds(r, 1)
	w.gateOf("team-a", "  profile: none\n")
	w.rounds(r, 5)
	if w.asked() != "nobody" || !strings.Contains(w.log.String(), "restart the repo-server") {
		t.Fatalf("asked were %s; log:\n%s", w.asked(), w.log.String())
	}
	ends.Exceptions = []Exception{{Name: "waiver", Until: w.clock.now}}
	w.judgedBefore(ends)
	if w.rounds(r, 2); w.asked() != "two" {
		t.Errorf("a waiver that ends waits for nobody, asked were %s", w.asked())
	}
	w.answer.Gates = append(w.answer.Gates, w.now().Digest)
	if w.rounds(r, 2); w.asked() != "two" {
		t.Errorf("while one sidecar is behind, asked were %s", w.asked())
	}
	w.served()
	if w.rounds(r, 2); w.asked() != "two one" {
		t.Errorf("asked were %s", w.asked())
	}
}

// judgedBefore has a record be of a moment ago, as a newer one than known.
func (w *world) judgedBefore(record *Record) { record.At = w.clock.now.Add(-time.Second) }

func TestRefresher_AGateThatFlapsIsNotFollowed(t *testing.T) {
	w := newWorld(t)
	w.app("team-a", "one")
	r := w.refresher()
	w.rounds(r, 1)
	for i := range 20 {
		w.gateOf("team-a", []string{"  profile: none\n", "  profile: profile/baseline@1\n"}[i%2])
		w.served()
		w.rounds(r, 1)
	}
	if w.asked() != "nobody" {
		t.Errorf("asked were %s", w.asked())
	}
	w.rounds(r, 2)
	if w.asked() != "one" {
		t.Errorf("after it stands, asked were %s", w.asked())
	}
}

func TestRefresher_AGateThatDoesNotLoadChangesNothing(t *testing.T) {
	w := newWorld(t)
	w.app("team-a", "one")
	r := w.refresher()
	w.rounds(r, 1)
	w.write("team-a.yaml", "kind: Gate\nspec: {bases: true}\n")
	w.rounds(r, 10)
	if w.asked() != "nobody" || strings.Count(w.log.String(), "team-a.yaml") < 1 || strings.Count(w.log.String(), "this does not work") != 1 {
		t.Errorf("asked were %s; log:\n%s", w.asked(), w.log.String())
	}
	if metric := gather(t, r, "assay_refresh_gate_loaded"); metric != 0 {
		t.Errorf("the metric says %v", metric)
	}
	w.gateOf("team-a", "")
	w.rounds(r, 2)
	if w.asked() != "nobody" || !strings.Contains(w.log.String(), "this works again") || gather(t, r, "assay_refresh_gate_loaded") != 1 {
		t.Errorf("asked were %s; log:\n%s", w.asked(), w.log.String())
	}
}

func TestRefresher_WithoutAGateNobodyIsAsked(t *testing.T) {
	w := newWorld(t)
	w.app("team-a", "one").Gate = "sha256:another"
	if err := os.RemoveAll(w.folder); err != nil {
		t.Fatal(err)
	}
	r := w.refresher()
	if err := r.Once(t.Context()); err == nil || w.asked() != "nobody" {
		t.Errorf("%v; asked were %s", err, w.asked())
	}
}

// mount puts a version of the gate where a kubelet puts that of a ConfigMap: the
// files are links through one link, which is changed at once.
func (w *world) mount(folder, version string) {
	w.t.Helper()
	data := filepath.Join(folder, version)
	must(w.t, os.Mkdir(data, 0o700))
	for _, name := range []string{"team-a.yaml", "team-b.yaml", "trust.yaml"} {
		text, err := os.ReadFile(filepath.Join(w.folder, name))
		must(w.t, err)
		must(w.t, os.WriteFile(filepath.Join(data, name), text, 0o600))
		if _, err := os.Lstat(filepath.Join(folder, name)); err != nil {
			must(w.t, os.Symlink(filepath.Join("..data", name), filepath.Join(folder, name)))
		}
	}
	must(w.t, os.Symlink(version, filepath.Join(folder, "..next")))
	must(w.t, os.Rename(filepath.Join(folder, "..next"), filepath.Join(folder, "..data")))
}

func TestRefresher_FollowsTheLinksOfAMountedConfigMap(t *testing.T) {
	w := newWorld(t)
	w.app("team-a", "one")
	mounted := t.TempDir()
	w.mount(mounted, "..v1")
	w.files.Load = func() (*gate.Config, error) { return gate.Load(mounted) }
	r := w.refresher()
	if w.rounds(r, 2); w.asked() != "nobody" {
		t.Fatalf("asked were %s", w.asked())
	}
	w.gateOf("team-a", "  profile: none\n")
	w.mount(mounted, "..v2")
	w.served()
	if w.rounds(r, 3); w.asked() != "one" {
		t.Errorf("asked were %s", w.asked())
	}
}

func TestRefresher_RefusedOnesAreLeftAloneAndOthersGoOn(t *testing.T) {
	w := newWorld(t)
	w.app("team-a", "one")
	w.app("team-a", "two")
	w.gateOf("team-a", "  profile: none\n")
	w.served()
	w.refuse = func(app Application) error {
		if app.Name == "one" {
			return apierrors.NewForbidden(schema.GroupResource{Group: "argoproj.io", Resource: "applications"}, app.Name, errors.New("an admission policy says no"))
		}
		return nil
	}
	r := w.refresher()
	w.rounds(r, 1)
	if w.asked() != "one two" || !strings.Contains(w.log.String(), "an admission policy says no") || !strings.Contains(w.log.String(), "manifests/argocd/refresh") {
		t.Fatalf("asked were %s; log:\n%s", w.asked(), w.log.String())
	}
	w.judged("two")
	w.rounds(r, 13) // pauses of one, two and four minutes
	if got := strings.Count(w.asked(), "one"); got != 3 {
		t.Errorf("it was asked %d times: %s", got, w.asked())
	}
	w.refuse = nil
	w.rounds(r, 20)
	w.judged("one")
	if w.rounds(r, 20); strings.Count(w.asked(), "one") != 4 || gather(t, r, "assay_refresh_refused_total") != 3 {
		t.Errorf("asked were %s", w.asked())
	}
}

func TestRefresher_AServerWithoutAnswersIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	for i := range 20 {
		w.app("team-a", fmt.Sprintf("app-%02d", i))
	}
	w.gateOf("team-a", "  profile: none\n")
	w.served()
	w.refuse = func(Application) error { return apierrors.NewTooManyRequests("wait", 40) }
	r := w.refresher()
	if w.rounds(r, 1); len(w.asks) != 1 {
		t.Fatalf("asked were %s", w.asked())
	}
	w.refuse = func(Application) error { return errors.New("connection refused") }
	if w.rounds(r, 20); len(w.asks) > 6 {
		t.Errorf("in ten minutes it was tried %d times", len(w.asks))
	}
	w.refuse = nil
	w.rounds(r, 12)
	if all := w.asked(); !strings.HasSuffix(all, "app-18 app-19") {
		t.Errorf("asked were %s", all)
	}
}

func TestRefresher_AnApplicationThatIsGoneIsNoTrouble(t *testing.T) {
	w := newWorld(t)
	w.app("team-a", "one")
	w.gateOf("team-a", "  profile: none\n")
	w.served()
	w.refuse = func(app Application) error { return apierrors.NewNotFound(schema.GroupResource{}, app.Name) }
	if err := w.refresher().Once(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestRefresher_WithoutRecordsWhatWasKnownCounts(t *testing.T) {
	w := newWorld(t)
	w.app("team-a", "one").Exceptions = []Exception{{Name: "waiver", Until: w.clock.now.Add(5 * time.Minute)}}
	w.app("team-a", "two")
	r := w.refresher()
	w.rounds(r, 1)
	w.silence = errors.New("no sidecar answers")
	w.gateOf("team-a", "  profile: none\n")
	if w.rounds(r, 4); w.asked() != "nobody" {
		t.Errorf("without sidecars, asked were %s", w.asked())
	}
	if w.rounds(r, 10); w.asked() != "one" {
		t.Errorf("asked were %s", w.asked())
	}
	if !strings.Contains(w.log.String(), "no sidecar answers") || gather(t, r, "assay_refresh_rounds_total") == 0 {
		t.Errorf("log:\n%s", w.log.String())
	}
}

func TestRefresher_SidecarsThatAreSilentHaveRecordsPerhaps(t *testing.T) {
	w := newWorld(t)
	w.app("team-a", "one")
	w.answer.Records, w.answer.Silent = nil, []string{"10.0.0.7:8087"}
	r := w.refresher()
	if w.rounds(r, 20); w.asked() != "nobody" {
		t.Errorf("asked were %s", w.asked())
	}
	w.answer.Silent = nil
	if w.rounds(r, 1); w.asked() != "one" {
		t.Errorf("asked were %s", w.asked())
	}
}

func TestRefresher_WithoutApplicationsNothingIsForgotten(t *testing.T) {
	w := newWorld(t)
	w.app("team-a", "one")
	r := w.refresher()
	w.rounds(r, 1)
	w.unseen = errors.New("the server times out")
	if w.rounds(r, 3); len(r.memory.records) != 1 || w.asked() != "nobody" || !strings.Contains(w.log.String(), "the server times out") {
		t.Errorf("%d records, asked were %s", len(r.memory.records), w.asked())
	}
	w.unseen, w.apps = nil, nil
	if w.rounds(r, 1); len(r.memory.records) != 0 {
		t.Errorf("%d records of Applications that are gone", len(r.memory.records))
	}
}

func TestRefresher_ApplicationsThatMayBeOldAreTold(t *testing.T) {
	w := newWorld(t)
	w.app("team-a", "one")
	r := w.refresher()
	if w.rounds(r, 1); outcomes(t, r) != "complete 1, failed 0, partial 0" || w.log.Len() > 0 {
		t.Fatalf("rounds ended as %s; log:\n%s", outcomes(t, r), w.log.String())
	}
	w.trouble = errors.New("the watch is refused")
	w.gateOf("team-a", "  profile: none\n")
	w.served()
	if w.rounds(r, 2); outcomes(t, r) != "complete 1, failed 0, partial 2" || strings.Count(w.log.String(), "the watch is refused") != 1 || !strings.Contains(w.log.String(), "what=watch") {
		t.Errorf("rounds ended as %s; log:\n%s", outcomes(t, r), w.log.String())
	}
	if w.asked() != "one" {
		t.Errorf("those that are known are asked all the same; asked were %s", w.asked())
	}
	w.trouble = nil
	if w.rounds(r, 1); outcomes(t, r) != "complete 2, failed 0, partial 2" || !strings.Contains(w.log.String(), "this works again") {
		t.Errorf("rounds ended as %s; log:\n%s", outcomes(t, r), w.log.String())
	}
}

// outcomes is how rounds have ended.
func outcomes(t *testing.T, r *Refresher) string {
	t.Helper()
	_, text := served(r, "/metrics")
	count := func(outcome string) string {
		_, after, _ := strings.Cut(text, `assay_refresh_rounds_total{outcome="`+outcome+`"} `)
		number, _, _ := strings.Cut(after, "\n")
		return outcome + " " + cmp.Or(number, "0")
	}
	return strings.Join([]string{count(roundComplete), count(roundFailed), count(roundPartial)}, ", ")
}

func TestRefresher_PendingOnesAreNotAskedTwice(t *testing.T) {
	w := newWorld(t)
	w.app("team-a", "one")
	w.apps[0].Pending = true
	w.gateOf("team-a", "  profile: none\n")
	w.served()
	r := w.refresher()
	if w.rounds(r, 3); w.asked() != "nobody" || gather(t, r, "assay_refresh_pending") != 1 {
		t.Errorf("asked were %s", w.asked())
	}
	w.apps[0].Pending = false
	if w.rounds(r, 1); w.asked() != "one" {
		t.Errorf("asked were %s", w.asked())
	}
}

func TestRefresher_ProgressSurvivesARestart(t *testing.T) {
	w := newWorld(t)
	w.state = t.TempDir()
	for i := range 60 {
		w.app("team-a", fmt.Sprintf("app-%02d", i))
	}
	r := w.refresher()
	w.rounds(r, 1)
	w.gateOf("team-a", "  profile: none\n")
	w.served()
	w.answer.Records = nil // the repo-server restarts with the gate, and so does this
	r = w.refresher()
	w.rounds(r, 1)
	first := len(w.asks)
	if first < 20 || first > 30 {
		t.Fatalf("%d asks in 30 seconds; log:\n%s", first, w.log.String())
	}
	r = w.refresher()
	w.rounds(r, 4)
	seen := map[string]bool{}
	for _, one := range w.asks {
		if seen[one.name] {
			t.Errorf("%s was asked twice", one.name)
		}
		seen[one.name] = true
	}
	if len(seen) != 60 || !strings.Contains(w.log.String(), "reason=changed-gate") || strings.Contains(w.log.String(), "reason=no-record") {
		t.Errorf("%d were asked", len(seen))
	}
}

func TestRefresher_AStateThatCannotBeReadIsToldAndLeft(t *testing.T) {
	w := newWorld(t)
	w.state = t.TempDir()
	for _, text := range []string{"", "{}\n", "{\"schema\":\"assay.dev/refresh/v1\"}\nnonsense\n", "{\"schema\":\"assay.dev/refresh/v9\"}\n"} {
		w.log.Reset()
		must(t, os.WriteFile(filepath.Join(w.state, stateFile), []byte(text), 0o600))
		if r := w.refresher(); len(r.memory.records) > 0 || !strings.Contains(w.log.String(), "written anew") {
			t.Errorf("%q: log:\n%s", text, w.log.String())
		}
	}
	w.log.Reset()
	w.state = filepath.Join(w.state, "missing")
	w.app("team-a", "one")
	r := w.refresher()
	if w.rounds(r, 2); strings.Count(w.log.String(), "--state-dir") != 1 {
		t.Errorf("log:\n%s", w.log.String())
	}
}

func TestNew_RefusesWhatCannotWork(t *testing.T) {
	w := newWorld(t)
	good := Options{Files: w.files, Records: w, Cluster: w, Rate: 1, Every: time.Second, Pause: time.Second, Clock: w.clock, Log: w.refresher().options.Log}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Options){
		"no files": func(o *Options) { o.Files = nil }, "no rate": func(o *Options) { o.Rate = 0 }, "a rate below zero": func(o *Options) { o.Rate = -1 },
		"no interval": func(o *Options) { o.Every = 0 }, "no pause": func(o *Options) { o.Pause = 0 }, "no cluster": func(o *Options) { o.Cluster = nil },
	} {
		bad := good
		change(&bad)
		if _, err := New(bad); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// gather is the sum of a metric's values.
func gather(t *testing.T, r *Refresher, name string) float64 {
	t.Helper()
	families, err := r.metrics.registry.Gather()
	must(t, err)
	sum, found := 0.0, false
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, metric := range family.GetMetric() {
			sum, found = sum+metric.GetGauge().GetValue()+metric.GetCounter().GetValue(), true
		}
	}
	if !found {
		t.Fatalf("there is no metric %s", name)
	}
	return sum
}
