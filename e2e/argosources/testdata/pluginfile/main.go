// What argocd-cmp-server reads of the configuration in a folder, as JSON. It is
// built within the module of Argo CD's servers.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/argoproj/argo-cd/v3/cmpserver/plugin"
)

func main() {
	config, err := plugin.ReadPluginConfig(os.Args[1])
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(map[string]any{
			"address": config.Address(), "discovers": config.Spec.Discover.IsDefined(), "command": config.Spec.Generate.Command, "static": config.Spec.Parameters.Static,
		})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
