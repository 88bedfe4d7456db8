//go:build e2e

package argocd_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/e2e/origin"
)

// crowd are Applications of their own folders, which share the test's image.
func (w *world) crowd(count int) []application {
	w.t.Helper()
	files := map[string]string{}
	var list []application
	for i := range count {
		name := fmt.Sprintf("web-%02d", i)
		files[name+"/web.yaml"] = origin.Deployment(name, w.registry.Image("team-a/app:1"))
		a := w.app()
		a.name, a.path = w.name+"-"+name, name
		list = append(list, a)
	}
	w.git.Commit(files)
	return list
}

func TestFiftyAtOnce_AllSync(t *testing.T) {
	w := newWorld(t)
	digest := w.registry.PushSigned("team-a/app:1", "first")
	list := w.crowd(50)
	w.serve()
	for _, a := range list {
		a.create()
	}
	for _, a := range list {
		a.synced()
		w.runs(a.path, digest.DigestStr())
	}
}

// TestEndlessChart_StopsNobodyElse has a chart whose template does not end in
// any useful time beside twenty good applications.
func TestEndlessChart_StopsNobodyElse(t *testing.T) {
	w := newWorld(t)
	digest := w.registry.PushSigned("team-a/app:1", "first")
	w.git.Commit(map[string]string{
		"endless/Chart.yaml":         "apiVersion: v2\nname: endless\nversion: 1.0.0\n",
		"endless/templates/web.yaml": "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}\n",
	})
	list := w.crowd(20)
	w.gate(w.name, w.open()+"  limits: {renderSeconds: 5}\n") // the default, 30 seconds, is more than these tests' Argo CD waits
	w.serve()
	endless := w.app()
	endless.path, endless.policy = "endless", byHand
	endless.create()
	for _, a := range list {
		a.create()
	}
	for _, a := range list {
		a.synced()
		w.runs(a.path, digest.DigestStr())
	}
	s := endless.refresh()
	line, _, _ := strings.Cut(s.said(), "\n")
	for _, want := range []string{"assay denied " + endless.name + ": 1 problem: ", "goes over the limit renderSeconds", "; fix: ", "(render/limit)"} {
		if !strings.Contains(line, want) {
			t.Errorf("the first line about the chart that never ends has no %q: %v", want, s.conditions)
		}
	}
}
