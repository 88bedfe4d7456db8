package setup

import (
	"errors"

	"github.com/assay-gitops/assay/plugin"
)

// workers render in processes of their own.
type workers interface {
	plugin.Renderer
	Close()
}

func (s *Setup) startWorkers() error {
	if !s.options.Isolated {
		return nil
	}
	return errors.New("setting up: no workers")
}
