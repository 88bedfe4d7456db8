package setup_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

// hangWith never answers, and stops who asks.
func hangWith(cancel context.CancelFunc) func(*http.Request) *ociserver.Fault {
	return func(*http.Request) *ociserver.Fault {
		cancel()
		return &ociserver.Fault{Hang: true}
	}
}

// twoTeams are two base gates with a credential each for the same registry.
func twoTeams(s *scene, passwordOfB string) (a, b string) {
	s.t.Helper()
	s.need(os.MkdirAll(filepath.Join(s.dir, "gate"), 0o755))
	for file, text := range map[string]string{"user": "puller", "password-a": "pw-right-7", "password-b": passwordOfB} {
		s.need(os.WriteFile(filepath.Join(s.dir, "gate", file), []byte(text+"\n"), 0o600))
	}
	entry := func(password string) string {
		return s.reach(", credentials: {usernameFile: user, passwordFile: " + password + "}")
	}
	return s.base("team-a", entry("password-a")), s.base("team-b", entry("password-b"))
}

func TestJudge_TwoApplicationsTwoCredentialsOneDigest(t *testing.T) {
	for _, c := range []struct {
		password string
		outcome  plugin.Outcome
	}{{"pw-wrong-7", plugin.Unanswered}, {"pw-right-7", plugin.Allowed}} {
		t.Run(c.password, func(t *testing.T) {
			s := newScene(t, ociserver.Options{Token: &ociserver.TokenAuth{User: "puller", Password: "pw-right-7"}})
			a, b := twoTeams(s, c.password)
			made := s.setup(s.load(a, b, s.trust("release", s.key)), nil)
			byTag := s.app("tag", web("web", s.image))
			byDigest := s.app("digest", web("web", s.image+"@"+s.digest))
			for _, source := range []plugin.Source{byTag, byDigest} {
				s.want(made.Judge(t.Context(), source), plugin.Allowed)
				source.Application.Project = "team-b"
				v := made.Judge(t.Context(), source)
				s.want(v, c.outcome)
				for _, finding := range v.Findings {
					if strings.Contains(finding.Message, "pw-right-7") || strings.Contains(finding.Message, "pw-wrong-7") {
						t.Errorf("a finding shows a password: %s", finding.Message)
					}
				}
				for _, image := range v.Images {
					if c.outcome != plugin.Allowed && (len(image.Evidence) > 0 || image.Config != nil) {
						t.Errorf("application B knows of %s what only A may read", image.Written)
					}
				}
			}
		})
	}
}

func TestPipeline_ClientsAreNotSharedBetweenCredentials(t *testing.T) {
	s := newScene(t, ociserver.Options{})
	a, b := twoTeams(s, "pw-right-7")
	made := s.setup(s.load(a, b), nil)
	resolver := func(project string) plugin.Resolver {
		p, err := made.Pipeline(plugin.Source{Path: ".", Application: plugin.Application{Name: "web", Project: project}})
		s.need(err)
		return p.Resolver
	}
	if resolver("team-a") == resolver("team-b") {
		t.Error("two credentials share a client")
	}
}

func TestPipeline_ClientsAreSharedWhereGatesNameTheSameCredential(t *testing.T) {
	s := newScene(t, ociserver.Options{})
	a, _ := twoTeams(s, "pw-right-7")
	made := s.setup(s.load(a, strings.ReplaceAll(a, "team-a", "team-c")), nil)
	var resolvers []plugin.Resolver
	for _, project := range []string{"team-a", "team-c"} {
		p, err := made.Pipeline(plugin.Source{Path: ".", Application: plugin.Application{Name: "web", Project: project}})
		s.need(err)
		resolvers = append(resolvers, p.Resolver)
	}
	if resolvers[0] != resolvers[1] {
		t.Error("one credential has two clients")
	}
}
