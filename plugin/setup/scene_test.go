package setup_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
	"github.com/assay-gitops/assay/plugin/setup"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

// scene is a registry with an image that a key signed, a folder for gates and
// one for applications, and a clock that stands still.
type scene struct {
	t        *testing.T
	server   *ociserver.Server
	sigstore *throwaway.Sigstore
	key      *throwaway.Key
	dir      string
	root     *os.Root
	now      time.Time
	// image is signed.
	image  string
	digest string
}

func newScene(t *testing.T, options ociserver.Options) *scene {
	t.Helper()
	s := &scene{t: t, dir: t.TempDir(), now: time.Now().UTC().Truncate(time.Second)}
	var err error
	s.server, err = ociserver.Start(options)
	s.need(err)
	t.Cleanup(func() { _ = s.server.Close() }) // some tests close it before
	s.need(os.MkdirAll(filepath.Join(s.dir, "apps"), 0o755))
	s.root, err = os.OpenRoot(filepath.Join(s.dir, "apps"))
	s.need(err)
	t.Cleanup(func() { _ = s.root.Close() })
	s.sigstore, err = throwaway.New()
	s.need(err)
	s.sigstore.Remote = s.remote()
	s.key, err = throwaway.NewKey()
	s.need(err)
	digest := s.push("team-a/web:1", "web", "amd64")
	s.sign(digest)
	s.image, s.digest = s.server.Host()+"/team-a/web:1", digest.DigestStr()
	s.server.ResetRequests()
	return s
}

// in is the same scene for a part of the test.
func (s *scene) in(t *testing.T) *scene {
	part := *s
	part.t = t
	return &part
}

func (s *scene) need(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) remote() []remote.Option {
	return []remote.Option{remote.WithContext(s.t.Context()), remote.WithTransport(s.server.Transport()), remote.WithAuth(s.server.Authenticator())}
}

func (s *scene) sign(digest name.Digest) {
	s.t.Helper()
	s.need(s.sigstore.SignBundle(s.t.Context(), digest, throwaway.Signer{Key: s.key}))
}

// push writes an image, or an index when there are several architectures.
func (s *scene) push(reference, content string, architectures ...string) name.Digest {
	s.t.Helper()
	tag, err := name.NewTag(s.server.Host()+"/"+reference, name.Insecure)
	s.need(err)
	var index v1.ImageIndex = empty.Index
	for _, architecture := range architectures {
		base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
		made, err := mutate.AppendLayers(base, static.NewLayer([]byte(content+architecture), types.OCIUncompressedLayer))
		s.need(err)
		config, err := made.ConfigFile()
		s.need(err)
		config = config.DeepCopy()
		config.OS, config.Architecture, config.Config.User = "linux", architecture, "65532:65532"
		made, err = mutate.ConfigFile(made, config)
		s.need(err)
		if len(architectures) == 1 {
			s.need(remote.Write(tag, made, s.remote()...))
			digest, err := made.Digest()
			s.need(err)
			return tag.Digest(digest.String())
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: made, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: architecture}}})
	}
	index = mutate.IndexMediaType(index, types.OCIImageIndex)
	s.need(remote.WriteIndex(tag, index, s.remote()...))
	digest, err := index.Digest()
	s.need(err)
	return tag.Digest(digest.String())
}

// base is a base gate for a project; spec is added to its spec.
func (s *scene) base(project, spec string) string {
	return s.gate(project, "  base: true\n  selector: {projects: ["+project+"]}\n  limits: {retries: 1, retryAfterSeconds: 1}\n"+spec)
}

func (s *scene) gate(name, spec string) string {
	return "---\napiVersion: assay.dev/v1alpha1\nkind: Gate\nmetadata: {name: " + name + "}\nspec:\n" + spec
}

// reach lists the registry.
func (s *scene) reach(more string) string {
	return fmt.Sprintf("  registries:\n  - {host: %q, private: true, plainHTTP: true%s}\n", s.server.Host(), more)
}

// trust is a ClusterImagePolicy for the repositories below team-a.
func (s *scene) trust(name string, key *throwaway.Key) string {
	s.t.Helper()
	public, err := key.PublicPEM()
	s.need(err)
	return fmt.Sprintf("---\napiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {name: %s}\nspec:\n  images: [{glob: \"%s/team-a/**\"}]\n"+
		"  authorities:\n  - name: key\n    key:\n      data: |\n        %s\n",
		name, s.server.Host(), strings.ReplaceAll(strings.TrimSpace(public), "\n", "\n        "))
}

// load reads the documents as one folder of gates.
func (s *scene) load(documents ...string) *gate.Config {
	s.t.Helper()
	folder := filepath.Join(s.dir, "gate")
	s.need(os.MkdirAll(folder, 0o755))
	s.need(os.WriteFile(filepath.Join(folder, "gate.yaml"), []byte(strings.Join(documents, "")), 0o600))
	config, err := gate.Load(folder)
	s.need(err)
	return config
}

// usual is the configuration of one project with one trust rule.
func (s *scene) usual(spec string) *gate.Config {
	return s.load(s.base("team-a", s.reach("")+spec), s.trust("release", s.key))
}

func (s *scene) setup(config *gate.Config, change func(*setup.Options)) *setup.Setup {
	s.t.Helper()
	options := setup.Options{Config: config, Clock: func() time.Time { return s.now }}
	if change != nil {
		change(&options)
	}
	made, err := setup.New(options)
	s.need(err)
	s.t.Cleanup(made.Close)
	return made
}

// app writes an application of project team-a.
func (s *scene) app(name string, manifests ...string) plugin.Source {
	s.t.Helper()
	s.need(os.MkdirAll(filepath.Join(s.dir, "apps", name), 0o755))
	s.need(os.WriteFile(filepath.Join(s.dir, "apps", name, "all.yaml"), []byte(strings.Join(manifests, "---\n")), 0o600))
	return plugin.Source{Root: s.root, Path: name, Revision: "r1", Application: plugin.Application{Name: name, Project: "team-a", Namespace: "team-a"}}
}

// web is a Deployment that names an image and leaves to hardening what it can.
func web(name, image string) string {
	return fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s}
spec:
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata: {labels: {app: %[1]s}}
    spec:
      containers:
      - name: web
        image: %[2]s
        resources: {limits: {cpu: "1", memory: 64Mi}, requests: {cpu: 100m, memory: 64Mi}}
`, name, image)
}

// failing answers so for every request whose path holds a text.
func (s *scene) failing(status int, part string) {
	s.server.SetFault(func(r *http.Request) *ociserver.Fault {
		if strings.Contains(r.URL.Path, part) {
			return &ociserver.Fault{Status: status}
		}
		return nil
	})
}

// blocking are the rules of the findings that block, sorted, each once.
func blocking(v *plugin.Verdict) []string {
	var rules []string
	for _, finding := range v.Findings {
		if finding.Level.Blocks() {
			rules = append(rules, finding.Rule)
		}
	}
	slices.Sort(rules)
	return slices.Compact(rules)
}

// has reports whether there is a finding of that rule and level.
func has(v *plugin.Verdict, rule string, level plugin.Level) bool {
	return slices.ContainsFunc(v.Findings, func(f plugin.Finding) bool { return f.Rule == rule && f.Level == level })
}

// want demands an outcome, and manifests only when it is allowed.
func (s *scene) want(v *plugin.Verdict, outcome plugin.Outcome, rules ...string) {
	s.t.Helper()
	manifests, err := v.Manifests()
	if (err == nil) != (outcome == plugin.Allowed) || (len(manifests) > 0) != (outcome == plugin.Allowed) {
		s.t.Errorf("there are %d bytes of manifests, %v", len(manifests), err)
	}
	if v.Outcome() != outcome {
		s.t.Errorf("%s, want %s", v.Outcome(), outcome)
	}
	got := blocking(v)
	for _, rule := range rules {
		if !slices.Contains(got, rule) {
			s.t.Errorf("nothing blocks by %s", rule)
		}
	}
	if s.t.Failed() {
		for _, finding := range v.Findings {
			s.t.Logf("%s %s %s: %s", finding.Level, finding.Gate, finding.Rule, finding.Message)
		}
		s.t.FailNow()
	}
}
