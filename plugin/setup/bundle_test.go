package setup_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
	"github.com/assay-gitops/assay/plugin/setup"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
	"github.com/assay-gitops/assay/plugin/verify/throwaway/notary"
)

// bundle writes what a gate trusts into a file beside nothing.
func (s *scene) bundle(made *setup.Setup) string {
	s.t.Helper()
	text, err := made.TrustBundle()
	s.need(err)
	file := filepath.Join(s.t.TempDir(), "trust.json")
	s.need(os.WriteFile(file, text, 0o600))
	return file
}

// onlyGate is the gate itself, without a trust rule or a trust root.
func (s *scene) onlyGate(text string) string {
	s.t.Helper()
	file := filepath.Join(s.t.TempDir(), "gate.yaml")
	s.need(os.WriteFile(file, []byte(text), 0o600))
	return file
}

func TestTrustBundle_AMirrorsRootNeedsNoMirrorAnyMore(t *testing.T) {
	m := newMirrored(t)
	made := m.start("")
	if _, err := made.TrustBundle(); err == nil || !strings.Contains(err.Error(), "there is no copy of it yet") {
		t.Errorf("without a copy: %v", err)
	}
	m.need(m.refresh(made))
	file := m.bundle(made)
	m.down()
	asked := m.asked.Load()
	config, err := gate.Load(m.onlyGate(m.gates("")[0]), file)
	m.need(err)
	offline := m.setup(config, nil)
	if offline.HasMirrors() {
		t.Error("the bundle names a mirror")
	}
	m.want(m.judge(offline, m.image), plugin.Allowed)
	m.want(m.judge(offline, m.other), plugin.Denied, "image/not-trusted") // the twin
	if m.asked.Load() != asked {
		t.Error("the mirror was asked")
	}
}

// Two keys are valid at once while one takes the place of the other; when the
// old one is taken out, what it signed counts no longer.
func TestTrustBundle_KeysOfAFileAreInside(t *testing.T) {
	s := newScene(t, ociserver.Options{})
	second, err := throwaway.NewKey()
	s.need(err)
	other := s.push("team-a/api:1", "api", "amd64")
	s.need(s.sigstore.SignBundle(t.Context(), other, throwaway.Signer{Key: second}))
	one, err := s.key.PublicPEM()
	s.need(err)
	two, err := second.PublicPEM()
	s.need(err)
	policy := "---\napiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {name: release}\nspec:\n  images: [{glob: \"" + s.server.Host() +
		"/team-a/**\"}]\n  authorities:\n  - name: key\n    key: {file: keys.pem}\n"
	for name, test := range map[string]struct {
		keys  string
		first plugin.Outcome
	}{"both": {one + two, plugin.Allowed}, "the new one alone": {two, plugin.Denied}} {
		s.need(os.MkdirAll(filepath.Join(s.dir, "gate"), 0o755))
		s.need(os.WriteFile(filepath.Join(s.dir, "gate", "keys.pem"), []byte(test.keys), 0o600))
		online := s.setup(s.load(s.base("team-a", s.reach("")), policy), nil)
		config, err := gate.Load(s.onlyGate(s.base("team-a", s.reach(""))), s.bundle(online))
		s.need(err)
		for where, made := range map[string]*setup.Setup{"with the file": online, "with the bundle": s.setup(config, nil)} {
			t.Log(name, where)
			s.want(made.Judge(t.Context(), s.app("web", web("web", s.image))), test.first)
			s.want(made.Judge(t.Context(), s.app("api", web("api", s.server.Host()+"/team-a/api:1"))), plugin.Allowed)
		}
	}
}

// What Notation trusts lies in files that the gate itself names: they are told,
// and without them the gate does not load.
func TestTrustBundle_TellsWhichFilesOfTheGateGoWithIt(t *testing.T) {
	s, signer := notarized(t)
	s.need(signer.Push(s.ref(), notary.Options{}, s.remote()...))
	text := s.base("team-a", s.reach("")+fmt.Sprintf(notation, ""))
	online := s.setup(s.load(text, s.trust("release", s.key)), nil)
	folder := filepath.Join(s.dir, "gate")
	want := []string{filepath.Join(folder, "trustpolicy.json"), filepath.Join(folder, "truststore")}
	if also := online.TakeAlong(); !slices.Equal(also, want) {
		t.Errorf("it tells of %v, want %v", also, want)
	}
	file := s.onlyGate(text)
	config, err := gate.Load(file, s.bundle(online))
	s.need(err)
	if _, err := setup.New(setup.Options{Config: config}); err == nil || !strings.Contains(err.Error(), "trustpolicy.json") {
		t.Errorf("without them: %v", err)
	}
	s.need(os.CopyFS(filepath.Join(filepath.Dir(file), "truststore"), os.DirFS(want[1])))
	data, err := os.ReadFile(want[0])
	s.need(err)
	s.need(os.WriteFile(filepath.Join(filepath.Dir(file), "trustpolicy.json"), data, 0o600))
	s.want(s.setup(config, nil).Judge(t.Context(), s.app("web", web("web", s.image))), plugin.Allowed)
	s.need(os.Remove(want[0])) // a policy that no gate names is refused
	if also := s.setup(s.usual(""), nil).TakeAlong(); len(also) != 0 {
		t.Errorf("twin: a gate that names none tells of %v", also)
	}
}

func TestTrustBundle_IsReadWholeOrNotAtAll(t *testing.T) {
	s := newScene(t, ociserver.Options{})
	file := s.bundle(s.setup(s.usual(""), nil))
	whole, err := os.ReadFile(file)
	s.need(err)
	for name, text := range map[string]string{
		"whole (twin)":     string(whole),
		"empty":            "",
		"half":             string(whole[:len(whole)/2]),
		"the end cut off":  strings.TrimRight(string(whole), "}\n "),
		"an unknown field": strings.Replace(string(whole), `"spec": {`, `"spec": {"extra": 1,`, 1),
		"another kind":     strings.Replace(string(whole), `"ClusterImagePolicy"`, `"ImagePolicies"`, 1),
	} {
		s.need(os.WriteFile(file, []byte(text), 0o600))
		_, err := gate.Load(s.onlyGate(s.base("team-a", s.reach(""))), file)
		if (err == nil) != strings.HasSuffix(name, "(twin)") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
