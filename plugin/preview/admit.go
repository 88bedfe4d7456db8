package preview

import (
	"path"
	"slices"

	"github.com/assay-gitops/assay/plugin/preview/discover"
)

// admit takes in what is new of one source: files, or the rendering of an
// application, nil for files. What a rendering says wins over what a file says,
// as it has the patches, and over what a finder found. Two applications that
// render the same base define two applications.
func (s *survey) admit(applications []discover.Application, by *deployed) []*deployed {
	s.mu.Lock()
	defer s.mu.Unlock()
	var wave []*deployed
	for _, application := range applications {
		made := &deployed{Application: application, scanned: by == nil}
		if by != nil && by.finder {
			made.finderOf = by.Name
		}
		id := identityOf(application)
		again := slices.IndexFunc(s.found[id], made.isAgain)
		if again >= 0 {
			if known := s.found[id][again]; known.scanned && !made.scanned || known.finderOf != "" && made.finderOf == "" {
				known.scanned, known.finderOf, known.Parents = made.scanned, made.finderOf, made.Parents
			}
			continue
		}
		if !made.scanned {
			s.found[id] = slices.DeleteFunc(s.found[id], func(known *deployed) bool { return known.scanned })
		}
		s.found[id] = append(s.found[id], made)
		s.order = append(s.order, made)
		wave = append(wave, made)
	}
	return wave
}

// isAgain reports whether one of the same identity is known by another.
func (d *deployed) isAgain(known *deployed) bool {
	switch {
	case d.scanned:
		return same(known.Application, d.Application) // one name may stand twice in a file
	case known.scanned || (known.finderOf == "") != (d.finderOf == ""):
		return same(known.Application, d.Application)
	}
	return slices.Equal(known.Parents, d.Parents)
}

// settled are the applications, without those that a rendering replaced, and
// without what a finder found in a folder that an application deploys.
func (s *survey) settled() []*deployed {
	return slices.DeleteFunc(slices.Clone(s.order), func(each *deployed) bool {
		twins := s.found[identityOf(each.Application)]
		if !slices.Contains(twins, each) {
			return true
		}
		return each.finderOf != "" && s.isDeployed(each.finderOf) && slices.ContainsFunc(twins, func(d *deployed) bool { return d.finderOf == "" })
	})
}

// isDeployed reports whether a folder of the tree is a part of an application.
func (s *survey) isDeployed(folder string) bool {
	return slices.ContainsFunc(s.order, func(application *deployed) bool {
		return slices.ContainsFunc(application.Parts, func(part discover.Part) bool {
			return part.Path != "" && path.Clean(part.Path) == folder && s.side.own(part.Repository)
		})
	})
}

// within puts HelmReleases under the gates of the application that renders
// them, as a sync judges them.
func within(outer *deployed, applications []discover.Application) []discover.Application {
	for i := range applications {
		each := &applications[i]
		if each.Kind != "HelmRelease" || outer.finder {
			continue
		}
		own := each.Identity
		each.Identity = outer.Identity
		each.Identity.Namespace = own.Namespace
		if own.Repository != "" {
			each.Identity.Repository = own.Repository
		}
	}
	return applications
}
