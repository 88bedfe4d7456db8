package hydrated

import (
	"encoding/json"
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/discover"
)

// Application is an Application with a sourceHydrator.
type Application struct {
	// Label names it for people: "argocd/shop".
	Label string
	// Dry is what is rendered, and Identity what gates are chosen by.
	Dry      discover.Part
	Identity plugin.Application
	// Repository, Branch and Path are what is synced.
	Repository, Branch, Path string
	// Problems are why it cannot be proven, whatever lies in the branch.
	Problems []Problem
}

// hydrating are the fields of an Application that say what is hydrated whereto.
type hydrating struct {
	SourceHydrator *struct {
		DrySource struct {
			RepoURL string `json:"repoURL"`
			Plugin  *struct {
				Name string `json:"name"`
			} `json:"plugin"`
		} `json:"drySource"`
		SyncSource struct {
			RepoURL      string `json:"repoURL"`
			TargetBranch string `json:"targetBranch"`
			Path         string `json:"path"`
		} `json:"syncSource"`
	} `json:"sourceHydrator"`
}

// Applications are those among the objects that have a sourceHydrator. Argo CD's
// own namespace is the one where an Application is called by its name alone.
func Applications(objects []plugin.Object, argoNamespace string, limits plugin.Limits) []Application {
	var found []Application
	for _, object := range objects {
		if id := object.ID(); id.Kind != "Application" || id.Group() != "argoproj.io" {
			continue
		}
		var spec hydrating
		data, err := json.Marshal(object.Fields["spec"])
		if err == nil {
			err = json.Unmarshal(data, &spec)
		}
		if err == nil && spec.SourceHydrator == nil {
			continue
		}
		application := read(object, spec, limits)
		if err != nil {
			application.refuse("its spec cannot be read: "+err.Error(), "write it as an Application of argoproj.io/v1alpha1")
		}
		if space := object.ID().Namespace; space != "" && space != argoNamespace {
			application.Identity.Name = space + "_" + object.ID().Name
		}
		found = append(found, application)
	}
	return found
}

func (a *Application) refuse(message, hint string) {
	a.Problems = append(a.Problems, Problem{Message: message, Hint: hint})
}

func read(object plugin.Object, spec hydrating, limits plugin.Limits) Application {
	id := object.ID()
	written := discover.ArgoApplication(discover.Tree{Limits: limits}, object, nil)
	application := Application{Label: strings.TrimPrefix(id.Namespace+"/"+id.Name, "/"), Identity: written.Identity}
	for _, unseen := range written.Unseen {
		application.refuse(unseen.What+": "+unseen.Reason, unseen.Hint)
	}
	if spec.SourceHydrator == nil {
		return application
	}
	dry, sync := spec.SourceHydrator.DrySource, spec.SourceHydrator.SyncSource
	if dry.Plugin == nil || dry.Plugin.Name != "assay" {
		application.refuse("spec.sourceHydrator.drySource does not name the plugin, so what it commits never passed the gate", `set plugin.name to "assay" there`)
	}
	application.Repository, application.Branch = sync.RepoURL, sync.TargetBranch
	if application.Repository == "" {
		application.Repository = dry.RepoURL
	}
	application.Path = path.Clean(sync.Path)
	if !filepath.IsLocal(sync.Path) || application.Path == "." || application.Branch == "" {
		application.refuse(fmt.Sprintf("spec.sourceHydrator.syncSource has the branch %q and the path %q", sync.TargetBranch, sync.Path), "name a branch, and a folder below the repository's root")
	}
	if len(written.Parts) == 1 && written.Parts[0].Chart == nil {
		application.Dry = written.Parts[0]
	} else if len(application.Problems) == 0 {
		application.refuse("spec.sourceHydrator.drySource is no folder of a repository", "name repoURL, path and targetRevision")
	}
	return application
}
