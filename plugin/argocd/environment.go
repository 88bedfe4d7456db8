package argocd

import (
	"maps"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/render"
)

// request is what Argo CD says about one application.
type request struct {
	application plugin.Application
	// revision is the commit or version of the source.
	revision string
	// sourcePath is the application's folder in its repository.
	sourcePath string
	parameters plugin.Parameters
}

// readEnvironment reads the variables that Argo CD gives a plugin ("Build
// Environment" in its documentation). Those of the tenant have names of their
// own: ARGOCD_ENV_* replace variables in the parameters and are nothing else, and
// PARAM_* are not looked at.
func readEnvironment(variables []string) (request, error) {
	known, own := map[string]string{}, map[string]string{}
	for _, variable := range variables {
		name, value, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(name, "ARGOCD_ENV_") {
			own[name] = value // of two the last counts, as for a process
			continue
		}
		if !strings.HasPrefix(name, "ARGOCD_APP_") && !strings.HasPrefix(name, "KUBE_") {
			continue
		}
		if _, twice := known[name]; twice {
			return request{}, badRequest("the environment names "+name+" twice", "nobody could say which one counts")
		}
		known[name] = value
	}
	parsed := request{
		application: plugin.Application{
			Name: known["ARGOCD_APP_NAME"], Project: known["ARGOCD_APP_PROJECT_NAME"], Namespace: known["ARGOCD_APP_NAMESPACE"],
			Repository: plugin.RedactURL(known["ARGOCD_APP_SOURCE_REPO_URL"]),
		},
		revision: known["ARGOCD_APP_REVISION"], sourcePath: known["ARGOCD_APP_SOURCE_PATH"],
	}
	if parsed.application.Name == "" {
		return request{}, badRequest("the environment has no ARGOCD_APP_NAME", "gates are chosen by what Argo CD says about the application")
	}
	parsed.parameters.Helm.ReleaseName = releaseName(parsed.application.Name)
	parsed.parameters.Helm.KubeVersion = known["KUBE_VERSION"]
	if versions := known["KUBE_API_VERSIONS"]; versions != "" {
		parsed.parameters.Helm.APIVersions = strings.Split(versions, ",")
	}
	maps.Copy(own, known)
	return parsed, readParameters(known["ARGOCD_APP_PARAMETERS"], render.NewArgoEnvironment(own), &parsed.parameters)
}

// releaseName is the Application's own name: one outside of Argo CD's
// namespace is told as "<namespace>_<name>".
func releaseName(name string) string {
	if _, own, found := strings.Cut(name, "_"); found {
		return own
	}
	return name
}

func badRequest(message, why string) error {
	return &plugin.Refusal{
		Rule: ruleRequest, Message: message, Why: why,
		Hint: "assay serve is called by Argo CD's repo-server 2.14 or later, assay generate by its argocd-cmp-server",
	}
}

// The rules that this door answers with.
const (
	ruleRequest = "argocd/request"
	ruleArchive = "argocd/archive"
	ruleLimit   = "argocd/limit"
	ruleRival   = "argocd/another-plugin"
)
