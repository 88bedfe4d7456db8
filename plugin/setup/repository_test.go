package setup_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/setup"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

// mirrorFS packs a repository as policy-controller wants it: a tar of the folder
// repository, gzipped, in base64. A file beside it may be added.
func (m *mirrored) mirrorFS(from *throwaway.Mirror, more ...string) string {
	m.t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	packed := tar.NewWriter(zipped)
	files := from.Files()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		m.need(packed.WriteHeader(&tar.Header{Name: "repository/" + name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(files[name]))}))
		_, err := packed.Write(files[name])
		m.need(err)
	}
	for _, name := range more {
		m.need(packed.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: 1}))
		_, err := packed.Write([]byte("x"))
		m.need(err)
	}
	m.need(packed.Close())
	m.need(zipped.Close())
	return base64.StdEncoding.EncodeToString(out.Bytes())
}

// inside are the gates, with the repository in the TrustRoot itself.
func (m *mirrored) inside(root []byte, mirrorFS, more string) []string {
	gates := m.gates("")
	gates[0] = m.base("team-a", m.reach("")) // no mirror is listed
	gates[2] = fmt.Sprintf("---\napiVersion: policy.sigstore.dev/v1alpha1\nkind: TrustRoot\nmetadata: {name: private}\nspec:\n  repository:\n    root: %s\n    targets: targets\n    mirrorFS: %s\n%s",
		base64.StdEncoding.EncodeToString(root), mirrorFS, more)
	return gates
}

func TestTrustRepository_InTheFileDecidesAndNobodyIsAsked(t *testing.T) {
	m := newMirrored(t)
	m.need(m.mirror.Rotate("root"))
	s := m.setup(m.load(m.inside(m.mirror.Root(), m.mirrorFS(m.mirror), "")...), m.options)
	if s.HasMirrors() {
		t.Error("a repository in the file is taken for a mirror")
	}
	m.want(m.judge(s, m.image), plugin.Allowed)
	m.want(m.judge(s, m.other), plugin.Denied, "image/not-trusted")
	next, err := m.second.TrustedRootJSON()
	m.need(err)
	m.need(m.mirror.Publish(next))
	s = m.setup(m.load(m.inside(m.mirror.Root(), m.mirrorFS(m.mirror), "")...), m.options)
	m.want(m.judge(s, m.image), plugin.Denied, "image/not-trusted")
	m.want(m.judge(s, m.other), plugin.Allowed)
	if m.asked.Load() != 0 {
		t.Error("the mirror was asked")
	}
}

func TestTrustRepository_BadOnesAreRefusedWithTheLine(t *testing.T) {
	m := newMirrored(t)
	good := m.mirrorFS(m.mirror)
	packed, err := base64.StdEncoding.DecodeString(good)
	m.need(err)
	other, err := throwaway.NewMirror(nil)
	m.need(err)
	empty, err := throwaway.NewMirror([]byte(`{"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1"}`))
	m.need(err)
	var bomb bytes.Buffer
	zipped := gzip.NewWriter(&bomb)
	_, err = io.CopyN(zipped, zeros{}, plugin.DefaultLimits().ArchiveBytes+1)
	m.need(err)
	m.need(zipped.Close())
	for name, test := range map[string]struct {
		root     []byte
		mirrorFS string
		want     string
	}{
		"whole (twin)":              {m.mirror.Root(), good, ""},
		"cut short":                 {m.mirror.Root(), base64.StdEncoding.EncodeToString(packed[:len(packed)/2]), "it is not whole"},
		"a way out of the folder":   {m.mirror.Root(), m.mirrorFS(m.mirror, "repository/../../etc/passwd"), "which is no path in the repository"},
		"a bomb":                    {m.mirror.Root(), base64.StdEncoding.EncodeToString(bomb.Bytes()), "limit archiveBytes"},
		"another root":              {other.Root(), good, "reading its timestamp"},
		"a trusted root of nothing": {empty.Root(), m.mirrorFS(empty), "reading its trusted_root.json"},
	} {
		_, err := setup.New(setup.Options{Config: m.load(m.inside(test.root, test.mirrorFS, "")...), Clock: func() time.Time { return m.now }})
		switch {
		case test.want == "":
			m.need(err)
		case err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "TrustRoot private") || !strings.Contains(err.Error(), "gate.yaml:"):
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

func TestTrustRepository_AnEndedOneIsUndetermined(t *testing.T) {
	m := newMirrored(t)
	m.mirror.Ends["timestamp"] = m.now.Add(time.Hour)
	first, err := m.sigstore.TrustedRootJSON()
	m.need(err)
	m.need(m.mirror.Publish(first))
	text := m.mirrorFS(m.mirror)
	s := m.setup(m.load(m.inside(m.mirror.Root(), text, "")...), m.options)
	withGrace := m.setup(m.load(m.inside(m.mirror.Root(), text, "    grace: 2h\n")...), m.options)
	m.want(m.judge(s, m.image), plugin.Allowed)
	m.now = m.now.Add(90 * time.Minute)
	v := m.judge(s, m.image)
	m.want(v, plugin.Unanswered, "verify/no-answer")
	m.says(v, "the timestamp of its copy expired on")
	m.want(m.judge(withGrace, m.image), plugin.Allowed) // the twin
}

// zeros never end.
type zeros struct{}

func (zeros) Read(into []byte) (int, error) {
	clear(into)
	return len(into), nil
}
