package render

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// ArgoEnvironment are the variables of Argo CD's build environment, as an
// Application's fields may name them: $NAME and ${NAME}. Those of plugin.env,
// ARGOCD_ENV_*, are the Application's author's own. All of them say what is
// rendered, and nothing else.
type ArgoEnvironment struct {
	values map[string]string
	// entries are the variables of plugin.env, with variables in them.
	entries map[string]string
	// unknown are names that Argo CD would know; missed are those asked for.
	unknown, missed []string
	// replaced counts what variables became, in bytes; told is set when somebody
	// was told that it is too much.
	replaced int
	told     bool
}

// mostReplaced bounds what the variables of one source become together, in bytes:
// a short text may name a long variable often.
const mostReplaced = 4 << 20

// ownVariable begins the names of plugin.env's variables.
const ownVariable = "ARGOCD_ENV_"

// NewArgoEnvironment takes the variables that a plugin is given. Which of
// them fields may name is Argo CD's list (newEnv of its repo-server), and those of
// plugin.env; no other has a meaning.
func NewArgoEnvironment(given map[string]string) *ArgoEnvironment {
	made := &ArgoEnvironment{values: map[string]string{}}
	for name, value := range given {
		if strings.HasPrefix(name, ownVariable) || slices.Contains(argoVariableNames(), name) {
			made.values[name] = value
		}
	}
	return made
}

// argoVariableNames are the variables of the build environment.
func argoVariableNames() []string {
	return []string{
		"ARGOCD_APP_NAME", "ARGOCD_APP_NAMESPACE", "ARGOCD_APP_PROJECT_NAME",
		"ARGOCD_APP_REVISION", "ARGOCD_APP_REVISION_SHORT", "ARGOCD_APP_REVISION_SHORT_8",
		"ARGOCD_APP_SOURCE_REPO_URL", "ARGOCD_APP_SOURCE_PATH", "ARGOCD_APP_SOURCE_TARGET_REVISION",
	}
}

// revisionLengths are how many characters of the commit each variable shows.
func revisionLengths() map[string]int {
	return map[string]int{"ARGOCD_APP_REVISION": math.MaxInt, "ARGOCD_APP_REVISION_SHORT": 7, "ARGOCD_APP_REVISION_SHORT_8": 8}
}

// own adds plugin.env as it is written: of a name that is there twice the last
// counts.
func (e *ArgoEnvironment) own(written []ArgoVariable) {
	e.entries = map[string]string{}
	for _, each := range written {
		e.entries[ownVariable+each.Name] = each.Value
	}
}

// expand replaces $NAME and ${NAME}; $$ is a dollar sign. What is no variable of
// Argo CD's becomes nothing, as it does there (Env.Envsubst).
func (e *ArgoEnvironment) expand(text string) string {
	return os.Expand(text, func(name string) string {
		entry, own := e.entries[name]
		switch {
		case e.replaced > mostReplaced:
			return ""
		case own:
			// In plugin.env, and only there, the cluster's version has a variable, too.
			return e.spend(os.Expand(entry, func(name string) string { return e.spend(e.value(name, "KUBE_VERSION", "KUBE_API_VERSIONS")) }))
		}
		return e.spend(e.value(name))
	})
}

// spend counts what a variable became; beyond the bound it becomes nothing, which
// overflow tells.
func (e *ArgoEnvironment) spend(text string) string {
	if e.replaced += len(text); e.replaced > mostReplaced {
		return ""
	}
	return text
}

// overflow says, once, that the variables became too much.
func (e *ArgoEnvironment) overflow() error {
	if e == nil || e.told || e.replaced <= mostReplaced {
		return nil
	}
	e.told = true
	return &plugin.Refusal{
		Rule: RuleArgoParameter, Message: fmt.Sprintf("the variables that it names become more than %d bytes", mostReplaced), Hint: "name them less often, or shorter ones",
	}
}

// value is one variable's. More are the names of unknown ones.
func (e *ArgoEnvironment) value(name string, more ...string) string {
	if name == "$" {
		return "$"
	}
	if value, known := e.values[name]; known {
		return value
	}
	if slices.Contains(slices.Concat(e.unknown, more), name) && !slices.Contains(e.missed, name) {
		e.missed = append(e.missed, name)
	}
	return ""
}

func (e *ArgoEnvironment) expandAll(texts []string) []string {
	var out []string
	for _, text := range texts {
		out = append(out, e.expand(text))
	}
	return out
}

func (e *ArgoEnvironment) expandMap(texts map[string]string) map[string]string {
	if len(texts) == 0 {
		return nil
	}
	out := map[string]string{}
	for name, text := range texts {
		out[name] = e.expand(text)
	}
	return out
}

// err says which variables were asked for and are not known.
func (e *ArgoEnvironment) err() error {
	if len(e.missed) == 0 || e.replaced > mostReplaced {
		return e.overflow()
	}
	slices.Sort(e.missed)
	what, hint := "the source's commit", "compare two commits instead of folders, or write the value"
	if strings.HasPrefix(e.missed[len(e.missed)-1], "KUBE_") {
		what, hint = "the cluster's version", "write the value"
	}
	return refuseSource(fmt.Sprintf("it asks for $%s, and %s is not known here", strings.Join(e.missed, ", $"), what), hint, nil)
}
