package refresh

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/audit"
)

func application(t *testing.T, namespace, spec, metadata string) Application {
	t.Helper()
	object := map[string]any{}
	text := fmt.Sprintf("apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: shop, namespace: %s, uid: u-1%s}\nspec: {project: team-a, destination: {namespace: shop}, %s}\n", namespace, metadata, spec)
	if err := yaml.Unmarshal([]byte(text), &object); err != nil {
		t.Fatal(err)
	}
	return readApplication(&unstructured.Unstructured{Object: object}, "argocd")
}

func TestApplication_OnlySourcesUnderThePluginCount(t *testing.T) {
	const plugged, plain = `{repoURL: "https://user:secret@git.example.com/shop", path: /prod/, plugin: {name: assay}}`, `{repoURL: "https://git.example.com/shop", path: prod}`
	for spec, want := range map[string]int{
		"source: " + plugged:                                               1,
		"source: " + plain:                                                 0,
		"sources: [" + plugged + ", " + plain + "]":                        1,
		"sources: [" + plugged + ", " + plugged + "]":                      2,
		"sources: [], source: " + plugged:                                  1,
		"sources: 7, source: 8":                                            0,
		"source: {plugin: {name: other}}":                                  0,
		"source: {plugin: {}}":                                             0,
		"sourceHydrator: {drySource: " + plugged + "}, source: " + plugged: 0,
	} {
		got := application(t, "argocd", spec, "")
		if len(got.Sources) != want {
			t.Errorf("%s: %+v", spec, got.Sources)
		}
		if want > 0 && (got.Sources[0].Path != "prod" || strings.Contains(got.Sources[0].Repository, "secret")) {
			t.Errorf("%s: %+v", spec, got.Sources)
		}
	}
}

func TestApplication_IsNamedAsArgoCDTellsPlugins(t *testing.T) {
	for namespace, want := range map[string]string{"argocd": "shop", "team-a": "team-a_shop"} {
		if got := application(t, namespace, "source: {plugin: {name: assay}}", ""); got.Instance != want || got.Project != "team-a" || got.UID != "u-1" || got.Pending || got.Leaving {
			t.Errorf("%s: %+v", namespace, got)
		}
	}
	for annotation, want := range map[string]bool{"hard": true, "normal": false, "": false} {
		got := application(t, "argocd", "source: {plugin: {name: assay}}", `, annotations: {"argocd.argoproj.io/refresh": "`+annotation+`"}`)
		if got.Pending != want {
			t.Errorf("%q: %+v", annotation, got)
		}
	}
	if !application(t, "argocd", "source: {}", `, deletionTimestamp: "2026-11-24T09:00:00Z"`).Leaving {
		t.Error("it is being deleted")
	}
}

// moment is now, with the gate as its files are.
func (w *world) moment() Moment {
	return Moment{Gate: *w.now(), Moved: func(Record, Image) string { return "" }, Now: w.clock.now}
}

func reasonOf(m Moment, app Application, records ...Record) string {
	concern, concerned := m.Concerned(app, records)
	if !concerned {
		return "none"
	}
	return concern.Reason.String()
}

func TestConcerned_TellsReasonsApart(t *testing.T) {
	w := newWorld(t)
	w.app("team-a", "shop")
	app, record := w.apps[0], w.answer.Records[0]
	m := w.moment()
	until := Exception{Name: "waiver", Until: w.clock.now.Add(-time.Minute)}
	for name, test := range map[string]struct {
		change func(*Application, *Record, *Moment)
		want   string
	}{
		"nothing":                  {func(*Application, *Record, *Moment) {}, "none"},
		"another gate":             {func(_ *Application, r *Record, _ *Moment) { r.Gate = "sha256:b" }, "changed-gate"},
		"a gate that is not known": {func(_ *Application, r *Record, _ *Moment) { r.Gate = "" }, "changed-gate"},
		"another project":          {func(a *Application, _ *Record, _ *Moment) { a.Project = "team-b" }, "changed-gate"},
		"a project that was not told": {func(_ *Application, r *Record, m *Moment) {
			r.Application.Project = ""
			r.Gate = m.Gate.For(r.Application, "prod", "prod")
		}, "none"},
		"a waiver that ended":   {func(_ *Application, r *Record, _ *Moment) { r.Exceptions = []Exception{until} }, "ended-waiver"},
		"one that ended before": {func(_ *Application, r *Record, _ *Moment) { r.Exceptions, r.At = []Exception{until}, w.clock.now }, "none"},
		"one that holds": {func(_ *Application, r *Record, _ *Moment) {
			r.Exceptions = []Exception{{Until: w.clock.now.Add(time.Second)}}
		}, "none"},
		"one without an end":                            {func(_ *Application, r *Record, _ *Moment) { r.Exceptions = []Exception{{}} }, "none"},
		"a tag that moved":                              {func(_ *Application, _ *Record, m *Moment) { m.Moved = func(Record, Image) string { return "sha256:b" } }, "moved-tag"},
		"an Application without a source":               {func(a *Application, r *Record, _ *Moment) { a.Sources, r.Gate = nil, "" }, "none"},
		"one that leaves":                               {func(a *Application, r *Record, _ *Moment) { a.Leaving, r.Gate = true, "" }, "none"},
		"another gate and a signer that is not trusted": {func(_ *Application, r *Record, _ *Moment) { r.Gate, r.Images[0].Evidence[0].Signer = "", "somebody" }, "withdrawn-trust"},
		"the same gate, whoever signed":                 {func(_ *Application, r *Record, _ *Moment) { r.Images[0].Evidence[0].Signer = "somebody" }, "none"},
	} {
		changedApp, changedRecord, changedMoment := app, record, m
		changedRecord.Images = []Image{record.Images[0]}
		changedRecord.Images[0].Evidence = append([]plugin.Claims{}, record.Images[0].Evidence...)
		test.change(&changedApp, &changedRecord, &changedMoment)
		if got := reasonOf(changedMoment, changedApp, changedRecord); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
	if got := reasonOf(m, app); got != "no-record" {
		t.Errorf("without a record: %s", got)
	}
}

func TestConcerned_EachSourceHasItsRecord(t *testing.T) {
	w := newWorld(t)
	w.app("team-a", "shop")
	app, record := w.apps[0], w.answer.Records[0]
	app.Sources = append(app.Sources, Source{Repository: "https://git.example.com/other", Path: "base"})
	if got := reasonOf(w.moment(), app, record); got != "no-record" {
		t.Errorf("without one: %s", got)
	}
	other := record
	other.Application.Repository, other.Path, other.RepositoryPath = "https://git.example.com/other", "base", "base"
	if got := reasonOf(w.moment(), app, record, other); got != "none" {
		t.Errorf("with both: %s", got)
	}
	other.Gate = "sha256:b"
	if got := reasonOf(w.moment(), app, other, record); got != "changed-gate" {
		t.Errorf("with one of another gate: %s", got)
	}
	older := record
	older.Gate, older.At = "sha256:b", record.At.Add(-time.Hour)
	if got := reasonOf(w.moment(), w.apps[0], record, older); got != "none" {
		t.Errorf("with an older one: %s", got)
	}
}

func TestWithdrawn_SaysWhoMayNotVouchAnyMore(t *testing.T) {
	w := newWorld(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	must(t, err)
	sum := sha256.Sum256(der)
	fingerprint := "sha256:" + hex.EncodeToString(sum[:])
	w.write("key.pub", string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))
	digest := "sha256:" + strings.Repeat("a", 64)
	policy := "apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {name: %s}\nspec:\n  images: [{glob: %q}]\n  authorities: %s\n---\n"
	w.write("more.yaml", fmt.Sprintf(policy, "keys", "r.example.com/k/**", "[{key: {file: key.pub}}]")+
		fmt.Sprintf(policy, "expressions", "r.example.com/e/**", `[{keyless: {identities: [{issuer: https://issuer.example.com, subjectRegExp: "^https://git.example.com/(a|b)$"}]}}]`)+
		fmt.Sprintf(policy, "kms", "r.example.com/m/**", "[{key: {kms: \"awskms:///alias/a\"}}]")+
		fmt.Sprintf(policy, "refused", "r.example.com/bad@"+digest, "[{static: {action: fail}}]")+
		fmt.Sprintf(policy, "passed", "r.example.com/s/**", "[{static: {action: pass}}]"))
	signed := func(policy, signer, issuer string) plugin.Claims {
		return plugin.Claims{Kind: plugin.EvidenceSignature, Policy: policy, Signer: signer, Issuer: issuer, Format: "bundle"}
	}
	const issuer = "https://issuer.example.com"
	for name, test := range map[string]struct {
		repository string
		evidence   []plugin.Claims
		want       string
	}{
		"nobody":                             {"r.example.com/x", nil, ""},
		"a key that is there":                {"r.example.com/k", []plugin.Claims{signed("keys", fingerprint, "")}, ""},
		"a key that is not":                  {"r.example.com/k", []plugin.Claims{signed("keys", "sha256:00", "")}, "the key sha256:00 vouched"},
		"one of two":                         {"r.example.com/k", []plugin.Claims{signed("keys", "sha256:00", ""), signed("keys", fingerprint, "")}, ""},
		"an identity that an expression has": {"r.example.com/e", []plugin.Claims{signed("expressions", "https://git.example.com/a", issuer)}, ""},
		"one that it has not":                {"r.example.com/e", []plugin.Claims{signed("expressions", "https://git.example.com/c", issuer)}, "https://git.example.com/c (" + issuer + ") vouched"},
		"one of another issuer":              {"r.example.com/e", []plugin.Claims{signed("expressions", "https://git.example.com/a", "https://evil.example.com")}, "is not accepted any more"},
		"a key of a service":                 {"r.example.com/m", []plugin.Claims{signed("kms", "sha256:00", "")}, ""},
		"a policy that is gone":              {"r.example.com/k", []plugin.Claims{signed("gone", fingerprint, "")}, "under trust rule gone"},
		"a digest that is refused":           {"r.example.com/bad", []plugin.Claims{signed("keys", fingerprint, "")}, "trust rule refused refuses r.example.com/bad@" + digest},
		"the gate itself":                    {"r.example.com/s", []plugin.Claims{{Kind: plugin.EvidenceStatic, Policy: "passed"}}, ""},
		"the gate, not any more":             {"r.example.com/k", []plugin.Claims{{Kind: plugin.EvidenceStatic, Policy: "keys"}}, "the gate itself vouched"},
		"Notation, of which is not known":    {"r.example.com/n", []plugin.Claims{{Kind: plugin.EvidenceSignature, Policy: "gone", Format: "notation-cose"}}, ""},
	} {
		got := withdrawn(w.now().Config, Image{Repository: test.repository, Digest: digest, Evidence: test.evidence})
		if !strings.Contains(got, test.want) || (got == "") != (test.want == "") {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestFromAudit_KeepsWhatIsNeeded(t *testing.T) {
	at, until := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC), time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	claims := []plugin.Claims{{Policy: "p", Signer: "s"}}
	got := FromAudit(audit.Record{
		Time: at, Application: "shop", Project: "team-a", Namespace: "ns", Repository: "r", Path: "p", RepositoryPath: "q/p", GateDigest: "sha256:g",
		Images: []audit.Image{
			{Repository: "i", Tag: "1", Digest: "sha256:1", DigestFrom: plugin.DigestResolved, Evidence: claims}, {Tag: "2", Digest: "sha256:2", DigestFrom: plugin.DigestStale},
			{Tag: "3", Digest: "sha256:3", DigestFrom: plugin.DigestLocked, RegistryDigest: "sha256:4"}, {Tag: "5", Digest: "sha256:5", DigestFrom: plugin.DigestWritten},
		},
		Waivers: []audit.Waiver{{Kind: "waiver", Rule: "image/not-signed", Subject: "i", Until: until}, {Kind: "exception", Rule: "r"}},
	})
	if got.Application != (plugin.Application{Name: "shop", Project: "team-a", Namespace: "ns", Repository: "r"}) || got.Path != "p" || got.RepositoryPath != "q/p" || !got.At.Equal(at) || got.Gate != "sha256:g" {
		t.Errorf("%+v", got)
	}
	var followed []string
	for _, image := range got.Images {
		followed = append(followed, image.Followed)
	}
	if strings.Join(followed, " ") != "sha256:1 sha256:2 sha256:4 " || len(got.Images[0].Evidence) != 1 {
		t.Errorf("%+v", got.Images)
	}
	if len(got.Exceptions) != 1 || got.Exceptions[0].Name != "waiver of image/not-signed for i" || !got.Exceptions[0].Until.Equal(until) {
		t.Errorf("%+v", got.Exceptions)
	}
}

// Whoever may look at an Application may have another revision of it rendered,
// whose verdict is newer, and about something else than what Argo CD keeps.
func TestConcerned_AVerdictAboutAnotherRevisionHidesNothing(t *testing.T) {
	w := newWorld(t)
	w.app("team-a", "shop")
	app, deployed := w.apps[0], w.answer.Records[0]
	app.Sources[0].Revision, deployed.Revision, deployed.Gate = "c1", "c1", "sha256:before"
	looked := w.answer.Records[0]
	looked.Revision, looked.At = "c2", deployed.At.Add(time.Minute)
	for _, records := range [][]Record{{deployed, looked}, {looked, deployed}} {
		if got := reasonOf(w.moment(), app, records...); got != "changed-gate" {
			t.Errorf("%s: the verdict about c2 hides that of c1", got)
		}
	}
	again := deployed
	again.Gate, again.At = looked.Gate, looked.At
	if got := reasonOf(w.moment(), app, deployed, looked, again); got != "none" {
		t.Errorf("%s, and it was judged anew", got)
	}
	app.Sources[0].Revision = "c3"
	if got := reasonOf(w.moment(), app, deployed, looked); got != "none" {
		t.Errorf("%s: of what is not known the newest counts", got)
	}
}

func TestApplication_TellsWhichRevisionIsCompared(t *testing.T) {
	const one = "{repoURL: x, path: a, plugin: {name: assay}}"
	for spec, want := range map[string]string{
		"source: " + one + "}\nstatus: {sync: {revision: c1}": "c1",
		"source: " + one: "",
		"sources: [{repoURL: x, ref: values}, " + one + "]}\nstatus: {sync: {revisions: [c1, c2]}": "c2",
		"sources: [{repoURL: x, ref: values}, " + one + "]}\nstatus: {sync: {revisions: [c1]}":     "",
	} {
		object := map[string]any{}
		document := "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: shop, namespace: argocd}\nspec: {project: team-a, " + spec + "}\n"
		if err := yaml.Unmarshal([]byte(document), &object); err != nil {
			t.Fatal(err)
		}
		if got := readApplication(&unstructured.Unstructured{Object: object}, "argocd").Sources; len(got) != 1 || got[0].Revision != want {
			t.Errorf("%s: %+v", spec, got)
		}
	}
}

// The verdict about what Argo CD compares is remembered, however many others are
// asked for.
func TestMemory_TheComparedRevisionIsNotPushedOut(t *testing.T) {
	w := newWorld(t)
	w.app("team-a", "shop")
	app, record := w.apps[0], w.answer.Records[0]
	app.Sources[0].Revision = "c0"
	m := newMemory()
	for i := range 10 {
		record.Revision, record.At = fmt.Sprintf("c%d", i), w.clock.now.Add(time.Duration(i)*time.Minute)
		m.learn([]Record{record})
		m.forget([]Application{app})
	}
	var kept []string
	for _, each := range m.all() {
		kept = append(kept, each.Revision)
	}
	if got := strings.Join(kept, " "); got != "c0 c7 c8 c9" {
		t.Error(got)
	}
	m.forget(nil)
	if len(m.records) != 0 {
		t.Errorf("%d are kept of nothing", len(m.records))
	}
}
