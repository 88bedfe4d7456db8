package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/reposerver/apiclient"
	"github.com/argoproj/argo-cd/v3/util/argo"
	"github.com/argoproj/argo-cd/v3/util/tls"
)

// asked is one Application, and what the controller says of it beside.
type asked struct {
	Application v1alpha1.Application `json:"application"`
	KubeVersion string               `json:"kubeVersion"`
	APIVersions []string             `json:"apiVersions"`
}

// answer are the manifests of all sources, or why there are none.
type answer struct {
	Manifests []json.RawMessage `json:"manifests,omitempty"`
	Error     string            `json:"error,omitempty"`
}

// newManifests is no server: it asks a running repo-server, as the application
// controller does before it compares, but for the marks that it tracks objects
// by. Applications stand as JSON on standard input, answers on standard output.
func newManifests() *cobra.Command {
	var address string
	command := &cobra.Command{Use: "manifests", RunE: func(command *cobra.Command, _ []string) error {
		var all []asked
		if err := json.NewDecoder(command.InOrStdin()).Decode(&all); err != nil {
			return fmt.Errorf("reading the Applications: %w", err)
		}
		closer, client, err := apiclient.NewRepoServerClientset(address, 60, tls.Configuration{DisableTLS: true}).NewRepoServerClient()
		if err != nil {
			return err
		}
		defer func() { _ = closer.Close() }()
		answers := make([]answer, 0, len(all))
		for _, one := range all {
			answers = append(answers, one.answer(command.Context(), client))
		}
		return json.NewEncoder(command.OutOrStdout()).Encode(answers)
	}}
	command.Flags().StringVar(&address, "repo-server", "", "address of the repo-server")
	return command
}

func (a asked) answer(ctx context.Context, client apiclient.RepoServerServiceClient) (out answer) {
	repository := func(_ context.Context, url, _ string) (*v1alpha1.Repository, error) {
		return &v1alpha1.Repository{Repo: url}, nil
	}
	app := a.Application
	sources := app.Spec.GetSources()
	references, err := argo.GetRefSources(ctx, sources, app.Spec.Project, repository, nil)
	if err != nil {
		return answer{Error: err.Error()}
	}
	for i := range sources {
		made, err := client.GenerateManifest(ctx, &apiclient.ManifestRequest{
			Repo: &v1alpha1.Repository{Repo: sources[i].RepoURL}, Revision: sources[i].TargetRevision, NoCache: true,
			AppName: app.Name, Namespace: app.Spec.Destination.Namespace, ProjectName: app.Spec.Project, ProjectSourceRepos: []string{"*"},
			ApplicationSource: &sources[i], HasMultipleSources: app.Spec.HasMultipleSources(), RefSources: references,
			KubeVersion: a.KubeVersion, ApiVersions: a.APIVersions,
			KustomizeOptions: &v1alpha1.KustomizeOptions{}, HelmOptions: &v1alpha1.HelmOptions{},
		})
		if err != nil {
			return answer{Error: fmt.Sprintf("source %d of %s: %s", i, app.Name, strings.TrimSpace(err.Error()))}
		}
		for _, manifest := range made.Manifests {
			out.Manifests = append(out.Manifests, json.RawMessage(manifest))
		}
	}
	return out
}
