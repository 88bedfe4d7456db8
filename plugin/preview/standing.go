package preview

import (
	"context"
	"fmt"
	"slices"

	"github.com/assay-gitops/assay/plugin/preview/discover"
	"github.com/assay-gitops/assay/plugin/render"
)

// standing are definitions of files that a kustomization or a chart includes,
// which nothing deploys, and which on the other side nothing included: a decoy
// could take an application out of sight. Those that it leaves as they are were
// found already.
func (s *survey) standing(ctx context.Context, including []discover.Including, before []*deployed) []*deployed {
	var wave []*deployed
	for _, each := range including {
		if s.isDeployed(each.Path) {
			continue
		}
		files := slices.DeleteFunc(slices.Clone(each.Files), func(file string) bool {
			return !slices.ContainsFunc(before, func(d *deployed) bool { return d.scanned && d.Origin.File == file })
		})
		if len(files) == 0 {
			continue
		}
		wave = append(wave, s.stand(ctx, files, each.Kind, before, fmt.Sprintf("%s includes its file now and nothing here deploys that, so it is judged as the file stands", each.Path))...)
	}
	return wave
}

// stand takes in what files define as they stand; with others only what those
// know by the same identity.
func (s *survey) stand(ctx context.Context, files []string, kind string, others []*deployed, note string) []*deployed {
	found := discover.Standing(ctx, s.tree, files)
	if kind != render.KindHelm { // a template may be no YAML; that its chart does not render is told
		s.miss(found.Unseen...)
	}
	applications := slices.DeleteFunc(found.Applications, func(application discover.Application) bool {
		known := func(d *deployed) bool { return identityOf(d.Application) == identityOf(application) }
		return others != nil && !slices.ContainsFunc(others, known) ||
			slices.ContainsFunc(s.order, func(d *deployed) bool { return known(d) && same(d.Application, application) })
	})
	for i := range applications {
		applications[i].Notes = append(applications[i].Notes, note)
	}
	return s.admit(applications, nil)
}
