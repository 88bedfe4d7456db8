// What Argo CD's user interface is told of sources, which stand as JSON on
// standard input, by a running repo-server. It is built within the module of Argo
// CD's servers.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/reposerver/apiclient"
	"github.com/argoproj/argo-cd/v3/util/tls"
)

type answer struct {
	Details *apiclient.RepoAppDetailsResponse `json:"details,omitempty"`
	Error   string                            `json:"error,omitempty"`
}

func main() {
	if err := ask(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func ask() error {
	var sources []v1alpha1.ApplicationSource
	if err := json.NewDecoder(os.Stdin).Decode(&sources); err != nil {
		return fmt.Errorf("reading the sources: %w", err)
	}
	closer, client, err := apiclient.NewRepoServerClientset(os.Args[1], 60, tls.Configuration{DisableTLS: true}).NewRepoServerClient()
	if err != nil {
		return err
	}
	defer func() { _ = closer.Close() }()
	var answers []answer
	for i := range sources {
		details, err := client.GetAppDetails(context.Background(), &apiclient.RepoServerAppDetailsQuery{
			Repo: &v1alpha1.Repository{Repo: sources[i].RepoURL}, Source: &sources[i], AppName: os.Args[2], NoCache: true,
			KustomizeOptions: &v1alpha1.KustomizeOptions{}, HelmOptions: &v1alpha1.HelmOptions{},
		})
		one := answer{Details: details}
		if err != nil {
			one.Error = strings.TrimSpace(err.Error())
		}
		answers = append(answers, one)
	}
	return json.NewEncoder(os.Stdout).Encode(answers)
}
