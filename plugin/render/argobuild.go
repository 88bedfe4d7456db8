package render

import (
	"fmt"
	"math"
	"os"
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

// argoVariables are the variables that a source's fields may name.
type argoVariables struct {
	values map[string]string
	// missed are the variables that were asked for and are not known here.
	missed []string
}

// revisionLengths are how many characters of the commit each variable shows.
func revisionLengths() map[string]int {
	return map[string]int{"ARGOCD_APP_REVISION": math.MaxInt, "ARGOCD_APP_REVISION_SHORT": 7, "ARGOCD_APP_REVISION_SHORT_8": 8}
}

func (b ArgoBuild) variables(source ArgoSource) *argoVariables {
	values := map[string]string{
		"ARGOCD_APP_NAME": b.Name, "ARGOCD_APP_NAMESPACE": b.Namespace, "ARGOCD_APP_PROJECT_NAME": b.Project,
		"ARGOCD_APP_SOURCE_REPO_URL": source.RepoURL, "ARGOCD_APP_SOURCE_PATH": source.Path, "ARGOCD_APP_SOURCE_TARGET_REVISION": source.TargetRevision,
	}
	if b.Revision != "" {
		for name, length := range revisionLengths() {
			values[name] = b.Revision[:min(length, len(b.Revision))]
		}
	}
	return &argoVariables{values: values}
}

// expand replaces $NAME and ${NAME}; $$ is a dollar sign. What is no variable of
// Argo CD's becomes nothing, as it does there.
func (v *argoVariables) expand(text string) string {
	return os.Expand(text, func(name string) string {
		if name == "$" {
			return "$"
		}
		value, known := v.values[name]
		if _, ofRevision := revisionLengths()[name]; ofRevision && !known && !slices.Contains(v.missed, name) {
			v.missed = append(v.missed, name)
		}
		return value
	})
}

func (v *argoVariables) expandAll(texts []string) []string {
	var out []string
	for _, text := range texts {
		out = append(out, v.expand(text))
	}
	return out
}

func (v *argoVariables) expandMap(texts map[string]string) map[string]string {
	if len(texts) == 0 {
		return nil
	}
	out := map[string]string{}
	for name, text := range texts {
		out[name] = v.expand(text)
	}
	return out
}

// err says which variables were asked for and are not known.
func (v *argoVariables) err() error {
	if len(v.missed) == 0 {
		return nil
	}
	slices.Sort(v.missed)
	return refuseSource(fmt.Sprintf("it asks for $%s, and the source's commit is not known here", strings.Join(v.missed, ", $")),
		"compare two commits instead of folders, or write the value", nil)
}

// file is where a value file is looked for. One that begins with a reference
// keeps it, and its variables are those behind it (Argo CD, getResolvedRefValueFile).
func (b ArgoBuild) file(variables *argoVariables, written string) string {
	if reference, rest, found := strings.Cut(written, "/"); found && b.isReference(reference) {
		return reference + "/" + variables.expand(rest)
	}
	return variables.expand(written)
}

func (b ArgoBuild) isReference(written string) bool {
	name, has := strings.CutPrefix(written, "$")
	return has && slices.Contains(b.References, name)
}
