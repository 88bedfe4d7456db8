package main

import (
	"context"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/refresh"
	"github.com/assay-gitops/assay/plugin/setup"
)

// registriesOf reaches registries as the sidecar does that has these gates.
type registriesOf struct{ setup *setup.Setup }

func openRegistries(config *gate.Config) (refresh.Registries, error) {
	made, err := setup.New(setup.Options{Config: config, LockRequired: true})
	if err != nil {
		return nil, err
	}
	return registriesOf{made}, nil
}

// Resolve implements refresh.Registries.
func (r registriesOf) Resolve(ctx context.Context, app plugin.Application, paths []string, reference plugin.Reference) (string, error) {
	source := plugin.Source{Application: app, Path: paths[0], RepositoryPath: paths[1]}
	pipeline, err := r.setup.Pipeline(source)
	if err != nil {
		return "", err
	}
	answer := pipeline.Resolver.Resolve(ctx, []plugin.Reference{reference})[0]
	return answer.Digest, answer.Err
}

// Close implements refresh.Registries.
func (r registriesOf) Close() { r.setup.Close() }
