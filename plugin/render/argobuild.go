package render

import (
	"slices"
	"strings"
)

// ArgoBuild is what Argo CD knows of the Application whose source it renders:
// its build environment, and the sources that others refer to.
type ArgoBuild struct {
	// Name and Project are the Application's, Namespace its destination's.
	Name, Project, Namespace string
	// Revision is the commit of the source; empty where it is not known.
	Revision string
	// References are the names of the Application's sources with a ref, without the
	// dollar sign.
	References []string
}

// environment are the variables that a source's fields may name. Those of the
// commit are known to exist even where it is not known itself.
func (b ArgoBuild) environment(source ArgoSource) *ArgoEnvironment {
	values := map[string]string{
		"ARGOCD_APP_NAME": b.Name, "ARGOCD_APP_NAMESPACE": b.Namespace, "ARGOCD_APP_PROJECT_NAME": b.Project,
		"ARGOCD_APP_SOURCE_REPO_URL": source.RepoURL, "ARGOCD_APP_SOURCE_PATH": source.Path, "ARGOCD_APP_SOURCE_TARGET_REVISION": source.TargetRevision,
	}
	var unknown []string
	for name, length := range revisionLengths() {
		if b.Revision == "" {
			unknown = append(unknown, name)
		} else {
			values[name] = b.Revision[:min(length, len(b.Revision))]
		}
	}
	made := NewArgoEnvironment(values)
	made.unknown = unknown
	if source.Plugin != nil {
		made.own(source.Plugin.Env)
	}
	return made
}

// file is where a value file is looked for. One that begins with a reference
// keeps it, and its variables are those behind it (Argo CD, getResolvedRefValueFile).
func (b ArgoBuild) file(environment *ArgoEnvironment, written string) string {
	if reference, rest, found := strings.Cut(written, "/"); found && b.isReference(reference) {
		return reference + "/" + environment.expand(rest)
	}
	return environment.expand(written)
}

func (b ArgoBuild) isReference(written string) bool {
	name, has := strings.CutPrefix(written, "$")
	return has && slices.Contains(b.References, name)
}
