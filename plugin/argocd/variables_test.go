package argocd

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/render"
)

// replacedByArgoCD are the parameters of the fields in which its repo-server
// replaces variables (v3.5.7: repository.go 1339, 1355, 1358, 1458, 2236, 2239;
// kustomize.go 189, 236, 257).
func replacedByArgoCD() []string {
	return []string{
		"helm-value-files", "helm-parameters", "helm-string-parameters", "helm-file-parameters", "kustomize-images", "kustomize-common-labels",
		"directory-jsonnet-ext-vars", "directory-jsonnet-ext-code", "directory-jsonnet-tlas", "directory-jsonnet-tla-code",
	}
}

// asked are the parameters as Argo CD gives them, with more variables.
func asked(t *testing.T, parameters string, more ...string) (plugin.Parameters, error) {
	t.Helper()
	got, err := readEnvironment(append([]string{"ARGOCD_APP_NAME=team-a_shop", "ARGOCD_APP_REVISION=0123456789", "KUBE_VERSION=1.35.0", "PARAM_X=never", "ARGOCD_APP_PARAMETERS=" + parameters}, more...))
	return got.parameters, err
}

func TestParameters_VariablesAreReplacedWhereArgoCDReplacesThem(t *testing.T) {
	values := map[string]string{"string": `"string":"<$ARGOCD_APP_NAME>"`, "array": `"array":["<$ARGOCD_APP_NAME>"]`, "map": `"map":{"$ARGOCD_APP_NAME":"<$ARGOCD_APP_NAME>"}`}
	for _, each := range render.ArgoParameters() {
		if each.Boolean || each.Name == "renderer" || each.Name == "kustomize-replicas" {
			continue
		}
		got, err := asked(t, `[{"name":"`+each.Name+`",`+values[each.Collection]+`}]`)
		check(t, err)
		data, err := json.Marshal(got)
		check(t, err)
		text := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(string(data))
		if replaced := strings.Contains(text, "<team-a_shop>"); replaced != slices.Contains(replacedByArgoCD(), each.Name) || replaced != each.Replaced || !replaced && !strings.Contains(text, "<$ARGOCD_APP_NAME>") {
			t.Errorf("%s is replaced: %t, announced %t\n%s", each.Name, replaced, each.Replaced, text)
		}
		if each.Collection == "map" && !strings.Contains(text, "$ARGOCD_APP_NAME") {
			t.Errorf("%s: the name is replaced, too: %s", each.Name, text)
		}
	}
}

func TestParameters_VariablesInAnnotationsAreReplacedWhenAsked(t *testing.T) {
	const annotations = `{"name":"kustomize-common-annotations","map":{"a":"$ARGOCD_APP_NAME"}}`
	for parameters, want := range map[string]string{
		"[" + annotations + "]": "$ARGOCD_APP_NAME",
		"[" + annotations + `,{"name":"kustomize-common-annotations-envsubst","string":"true"}]`:  "team-a_shop",
		`[{"name":"kustomize-common-annotations-envsubst","string":"true"},` + annotations + "]":  "team-a_shop",
		"[" + annotations + `,{"name":"kustomize-common-annotations-envsubst","string":"false"}]`: "$ARGOCD_APP_NAME",
	} {
		got, err := asked(t, parameters)
		if err != nil || got.Kustomize.CommonAnnotations["a"] != want {
			t.Errorf("%s: %v, %v", parameters, got.Kustomize.CommonAnnotations, err)
		}
	}
}

func TestParameters_WhichVariablesThereAre(t *testing.T) {
	for written, want := range map[string]string{
		"$ARGOCD_APP_REVISION": "0123456789", "${ARGOCD_APP_NAME}s": "team-a_shops", "$$ARGOCD_APP_NAME": "$ARGOCD_APP_NAME", "$ARGOCD_ENV_COLOR": "blue",
		// Nothing else has a meaning, whatever the process was given.
		"a$KUBE_VERSION": "a", "a$ARGOCD_APP_PARAMETERS": "a", "a$PARAM_X": "a", "a$PATH": "a", "a$HOME": "a", "a$ARGOCD_APP_NAMES": "a",
		// The value of a variable is not looked at again.
		"$ARGOCD_ENV_NESTED": "$ARGOCD_APP_NAME",
	} {
		got, err := asked(t, `[{"name":"kustomize-images","array":["`+written+`"]}]`, "ARGOCD_ENV_COLOR=red", "ARGOCD_ENV_COLOR=blue", "ARGOCD_ENV_NESTED=$ARGOCD_APP_NAME")
		if err != nil || got.Kustomize.Images[0] != want {
			t.Errorf("%s is %q, %v; want %q", written, got.Kustomize.Images, err, want)
		}
	}
}

// TestEnvironment_TheAuthorsVariablesSayNothingOfTheApplication: by what is said
// of it its gate is chosen.
func TestEnvironment_TheAuthorsVariablesSayNothingOfTheApplication(t *testing.T) {
	facts := []string{"ARGOCD_APP_NAME=shop", "ARGOCD_APP_PROJECT_NAME=team-a", "ARGOCD_APP_NAMESPACE=shop", "ARGOCD_APP_SOURCE_REPO_URL=https://git.example.com/shop.git", "ARGOCD_APP_SOURCE_PATH=prod", "ARGOCD_APP_REVISION=abc"}
	plain, err := readEnvironment(facts)
	check(t, err)
	var authors []string
	for _, fact := range facts {
		name, _, _ := strings.Cut(fact, "=")
		authors = append(authors, "ARGOCD_ENV_"+name+"=lax", "PARAM_"+name+"=lax")
	}
	got, err := readEnvironment(append(authors, facts...))
	check(t, err)
	if got.application != plain.application || got.revision != plain.revision || got.sourcePath != plain.sourcePath {
		t.Errorf("%+v, want %+v", got, plain)
	}
}

func TestParameters_AFileOfAnotherSourceIsRefused(t *testing.T) {
	for parameters, refused := range map[string]bool{
		`[{"name":"helm-value-files","array":["a.yaml","$values/a.yaml"]}]`:      true,
		`[{"name":"helm-file-parameters","map":{"a":"$values/a.txt"}}]`:          true,
		`[{"name":"helm-value-files","array":["$ARGOCD_APP_NAME/a.yaml"]}]`:      false,
		`[{"name":"helm-value-files","array":["/envs/$ARGOCD_ENV_STAGE.yaml"]}]`: false,
		`[{"name":"helm-parameters","map":{"a":"$values/a.txt"}}]`:               false,
	} {
		if _, err := asked(t, parameters); (err != nil) != refused || refused && !strings.Contains(err.Error(), "a file of another source") {
			t.Errorf("%s: %v", parameters, err)
		}
	}
}

// A tenant's Application may name a long variable of its own as often as it
// likes; the sidecar, which all tenants share, does not write it out each time.
func TestParameters_VariablesBecomeSoMuchAtMost(t *testing.T) {
	const size = 256 << 10
	long := "ARGOCD_ENV_A=" + strings.Repeat("a", size)
	parameters := func(count int) string {
		return `[{"name":"helm-string-parameters","map":{"a":"` + strings.Repeat("$ARGOCD_ENV_A", count) + `"}}]`
	}
	got, err := asked(t, parameters(15), long)
	if err != nil || len(strings.Join(got.Helm.SetString, "")) != 15*size+len("a=") {
		t.Errorf("%d bytes: %v", len(strings.Join(got.Helm.SetString, "")), err)
	}
	got, err = asked(t, parameters(20_000), long)
	if err == nil || !strings.Contains(err.Error(), "the variables that it names become more than 4194304 bytes") || len(strings.Join(got.Helm.SetString, "")) > 5<<20 {
		t.Errorf("%d bytes: %v", len(strings.Join(got.Helm.SetString, "")), err)
	}
}
