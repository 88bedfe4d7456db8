// The manifests that Argo CD's repo-server makes of sources, which stand as JSON
// on standard input. It is built within the module of Argo CD's servers.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/reposerver/apiclient"
	"github.com/argoproj/argo-cd/v3/reposerver/repository"
	"github.com/argoproj/argo-cd/v3/util/git"
	utilio "github.com/argoproj/argo-cd/v3/util/io"
)

// request is one source and what the application controller says of it.
type request struct {
	Root, Revision, Name, Namespace, Project, KubeVersion string
	APIVersions                                           []string
	Source                                                v1alpha1.ApplicationSource
	// References are folders by the name of a source with a ref.
	References map[string]string
}

type answer struct {
	Manifests []json.RawMessage `json:"manifests,omitempty"`
	Error     string            `json:"error,omitempty"`
}

func main() {
	var requests []request
	if err := json.NewDecoder(os.Stdin).Decode(&requests); err != nil {
		fmt.Fprintln(os.Stderr, "reading the requests:", err)
		os.Exit(64)
	}
	answers := make([]answer, 0, len(requests))
	for _, one := range requests {
		answers = append(answers, one.answer())
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		os.Exit(1)
	}
}

func (r request) answer() answer {
	paths := utilio.NewRandomizedTempPaths(filepath.Dir(r.Root))
	references := map[string]*v1alpha1.RefTarget{}
	for name, folder := range r.References {
		url := "https://git.example.com/" + name + ".git"
		paths.Add(git.NormalizeGitURL(url), folder)
		references["$"+name] = &v1alpha1.RefTarget{Repo: v1alpha1.Repository{Repo: url}}
	}
	ask := &apiclient.ManifestRequest{
		Repo: &v1alpha1.Repository{Repo: r.Source.RepoURL}, Revision: r.Revision, AppName: r.Name, Namespace: r.Namespace, ProjectName: r.Project,
		ApplicationSource: &r.Source, KubeVersion: r.KubeVersion, ApiVersions: r.APIVersions, RefSources: references,
		KustomizeOptions: &v1alpha1.KustomizeOptions{BuildOptions: "--enable-helm"}, HasMultipleSources: len(references) > 0,
	}
	made, err := repository.GenerateManifests(context.Background(), filepath.Join(r.Root, r.Source.Path), r.Root, r.Revision, ask, false,
		git.NoopCredsStore{}, resource.MustParse("0"), paths)
	if err != nil {
		return answer{Error: err.Error()}
	}
	var out answer
	for _, manifest := range made.Manifests {
		out.Manifests = append(out.Manifests, json.RawMessage(manifest))
	}
	return out
}
