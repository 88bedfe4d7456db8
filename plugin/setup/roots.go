package setup

import (
	"fmt"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/verify"
)

// workingDir is what the paths of the configuration are relative to: they are
// as the operator wrote them.
const workingDir = "."

// Roots describes the trust roots that trust rules may name: where they come
// from and how old they are.
func (s *Setup) Roots() ([]verify.RootInfo, error) {
	client, err := registry.New(registry.Options{})
	if err != nil {
		return nil, fmt.Errorf("describing the trust roots: %w", err)
	}
	defer client.Close()
	verifier, err := verify.New(verify.Config{
		Gate: "roots", TrustRoots: s.options.Config.TrustRoots, Mirrored: s.mirrors.material(), Limits: plugin.DefaultLimits(), Clock: s.options.Clock, Dir: workingDir,
	}, client)
	if err != nil {
		return nil, fmt.Errorf("describing the trust roots: %w", err)
	}
	return verifier.Roots(), nil
}
