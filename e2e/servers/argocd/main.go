// The servers of Argo CD that the end-to-end tests run, and a client of one of
// them, in one program that is told by its first argument which to be. Argo CD's own program has
// the command line and what its users download in it as well. The API server's user
// interface is not built: it is not in the module.
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	controller "github.com/argoproj/argo-cd/v3/cmd/argocd-application-controller/commands"
	cmp "github.com/argoproj/argo-cd/v3/cmd/argocd-cmp-server/commands"
	commit "github.com/argoproj/argo-cd/v3/cmd/argocd-commit-server/commands"
	repo "github.com/argoproj/argo-cd/v3/cmd/argocd-repo-server/commands"
	api "github.com/argoproj/argo-cd/v3/cmd/argocd-server/commands"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: argocd SERVER [FLAGS]")
		os.Exit(64)
	}
	command := server(os.Args[1])
	if command == nil {
		fmt.Fprintf(os.Stderr, "argocd: there is no server %q in this build\n", os.Args[1])
		os.Exit(64)
	}
	command.SetArgs(os.Args[2:])
	if err := command.Execute(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// server is the command of one server; nil when it is not one of ours.
func server(name string) *cobra.Command {
	switch name {
	case "server":
		return api.NewCommand()
	case "repo-server":
		return repo.NewCommand()
	case "application-controller":
		return controller.NewCommand()
	case "commit-server":
		return commit.NewCommand()
	case "cmp-server":
		return cmp.NewCommand()
	case "manifests":
		return newManifests()
	}
	return nil
}
