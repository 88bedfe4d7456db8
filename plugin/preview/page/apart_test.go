package page_test

import (
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/change"
)

func TestWrite_ApplicationsOfOneNameAreToldApartInTheirHeadings(t *testing.T) {
	web := func(parent, file, path string) change.Application {
		a := change.Application{Kind: "HelmRelease", Namespace: "web", Name: "web", Origin: plugin.Origin{File: file, Line: 1}, Path: path, Status: change.Changed}
		if parent != "" {
			a.Parents = []string{parent}
		}
		return a
	}
	for name, c := range map[string]struct {
		applications []change.Application
		want         []string
	}{
		"by the file of what made them": {
			[]change.Application{web("Kustomization flux-system/apps in clusters/a.yaml", "web.yaml", "x"), web("Kustomization flux-system/apps in clusters/b.yaml", "web.yaml", "x")},
			[]string{"HelmRelease web/web (clusters/a.yaml)", "HelmRelease web/web (clusters/b.yaml)"},
		},
		"by what made them": {
			[]change.Application{web("ApplicationSet argocd/a", "web.yaml", "x"), web("ApplicationSet argocd/b", "web.yaml", "x")},
			[]string{"HelmRelease web/web (ApplicationSet argocd/a)", "HelmRelease web/web (ApplicationSet argocd/b)"},
		},
		"by their files": {
			[]change.Application{web("", "a.yaml", "x"), web("", "b.yaml", "x")}, []string{"HelmRelease web/web (a.yaml:1)", "HelmRelease web/web (b.yaml:1)"},
		},
		"one alone needs nothing": {[]change.Application{web("", "a.yaml", "x")}, []string{"HelmRelease web/web"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := empty()
			r.Applications = c.applications
			for format, heading := range map[string]string{"text": "%s  changed", "markdown": "<code>%s</code> changed", "html": "%s<"} {
				text := write(t, format, r, options())
				for _, want := range c.want {
					if !strings.Contains(text, strings.Replace(heading, "%s", want, 1)) {
						t.Errorf("%s has no heading %q:\n%s", format, want, text)
					}
				}
			}
			if strings.Contains(write(t, "json", r, options()), "(") {
				t.Error("the JSON has another name than the object")
			}
		})
	}
}
