package hydrated_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/revision"
)

func TestProve_WhatTheHydratorWroteIsProven(t *testing.T) {
	s := newScene(t)
	result := s.prove()
	if !result.Proven() || result.Objects != 2 || result.Dry != s.dry || result.Behind != 0 {
		t.Errorf("%+v", result)
	}
}

// TestProve_SomebodyElsesPushIsFoundOut is each thing that a push to the
// hydrated branch may do.
func TestProve_SomebodyElsesPushIsFoundOut(t *testing.T) {
	manifests, metadata := at+"/manifest.yaml", at+hydratorMetadata()
	for name, each := range map[string]struct {
		files map[string]string
		said  string
	}{
		"a changed field":        {map[string]string{manifests: strings.Replace(hydratedFile, "red", "blue", 1)}, "configmap/colors differs at data.color"},
		"a number as text":       {map[string]string{manifests: strings.Replace(hydratedFile, `"1"`, "1", 1)}, "differs at data.size"},
		"a field more":           {map[string]string{manifests: strings.Replace(hydratedFile, "spec:\n", "spec:\n  externalName: evil.example.com\n", 1)}, "service/web differs at spec.externalName"},
		"a field less":           {map[string]string{manifests: strings.Replace(hydratedFile, "  color: red\n", "", 1)}, "differs at data.color"},
		"an object more":         {map[string]string{manifests: hydratedFile + "---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: more\n"}, "secret/more is in the branch, and the gate makes none"},
		"an object less":         {map[string]string{manifests: hydratedFile[:strings.Index(hydratedFile, "---")]}, "service/web is missing in the branch"},
		"an object twice":        {map[string]string{manifests: hydratedFile + hydratedFile[strings.Index(hydratedFile, "---"):]}, "service/web is in the branch, and the gate makes none"},
		"a comment":              {map[string]string{manifests: strings.Replace(hydratedFile, "kind: Service", "kind: Service # mine", 1)}, "line 10 of manifest.yaml is not written as the hydrator writes it"},
		"a key twice":            {map[string]string{manifests: strings.Replace(hydratedFile, "  color: red\n", "  color: red\n  color: blue\n", 1)}, "manifest.yaml cannot be read"},
		"no YAML":                {map[string]string{manifests: "{"}, "manifest.yaml cannot be read"},
		"a kustomization":        {map[string]string{at + "/kustomization.yaml": "resources: [manifest.yaml]\n"}, "apps/shop/kustomization.yaml is not the hydrator's"},
		"a chart":                {map[string]string{at + "/Chart.yaml": "name: a\n"}, "apps/shop/Chart.yaml is not the hydrator's"},
		"parameters in the repo": {map[string]string{at + "/.argocd-source.yaml": "kustomize: {}\n"}, "apps/shop/.argocd-source.yaml is not the hydrator's"},
		"a file left over":       {map[string]string{at + "/old.yaml": "kind: ConfigMap\n"}, "apps/shop/old.yaml is not the hydrator's"},
		"a link":                 {map[string]string{"elsewhere.yaml": hydratedFile, manifests: "link:../../elsewhere.yaml"}, "apps/shop/manifest.yaml is not the hydrator's"},
		"a link to the folder":   {map[string]string{"mine/manifest.yaml": hydratedFile, "mine/hydrator.metadata": "{}", at: "link:../mine"}, "apps/shop is no folder in the branch, but a link or a file"},
		"no folder":              {map[string]string{at: ""}, "the branch has no folder apps/shop"},
		"attributes":             {map[string]string{".gitattributes": "*.yaml ident\n"}, ".gitattributes is not as the hydrator writes it"},
		"attributes below":       {map[string]string{"apps/.gitattributes": "*.yaml eol=crlf\n"}, "apps/.gitattributes is not as the hydrator writes it"},
		"no manifests":           {map[string]string{manifests: ""}, "the folder has no manifest.yaml"},
		"no metadata":            {map[string]string{metadata: ""}, "the folder has no hydrator.metadata"},
		"metadata without it":    {map[string]string{metadata: "{}"}, "hydrator.metadata names no commit"},
		"a branch as the commit": {map[string]string{metadata: `{"drySha": "main"}`}, "hydrator.metadata names no commit"},
		"a commit from nowhere":  {map[string]string{metadata: `{"drySha": "` + strings.Repeat("1", 40) + `"}`}, "names the commit " + strings.Repeat("1", 40) + ", which is none of main"},
	} {
		s := newScene(t)
		s.commit(each.files)
		result := s.prove()
		if result.Proven() || result.Unanswered() || !strings.Contains(said(result), each.said) {
			t.Errorf("%s: proven=%v unanswered=%v: %s", name, result.Proven(), result.Unanswered(), said(result))
		}
	}
}

// TestProve_ACommitOfAnotherBranchIsNoDryCommit is what an author pushes who
// may write branches, but not the one that is protected.
func TestProve_ACommitOfAnotherBranchIsNoDryCommit(t *testing.T) {
	s := newScene(t)
	s.git("checkout", "-q", "-b", "mine", "main")
	mine := s.commit(dryFiles("blue"))
	s.git("checkout", "-q", branch)
	s.hydrate(mine, strings.Replace(hydratedFile, "red", "blue", 1))
	if result := s.prove(); result.Proven() || result.Unanswered() || !strings.Contains(said(result), "which is none of main") {
		t.Errorf("%+v", result)
	}
	s.git("checkout", "-q", "main")
	s.git("merge", "-q", "mine")
	if result := s.prove(); !result.Proven() {
		t.Errorf("once merged: %s", said(result))
	}
}

// TestProve_AnOlderStateIsToldAndRefusedWhereTheNewestIsDemanded is a push that
// brings an old state back: it passed the gate once, and passes it now.
func TestProve_AnOlderStateIsToldAndRefusedWhereTheNewestIsDemanded(t *testing.T) {
	s := newScene(t)
	s.git("checkout", "-q", "main")
	s.commit(map[string]string{"README.md": "nothing that is deployed\n"})
	s.options.Current = true
	if result := s.prove(); !result.Proven() {
		t.Errorf("a commit that changes nothing demands no hydration: %s", said(result))
	}
	s.commit(dryFiles("blue"))
	if result := s.prove(); result.Proven() || !strings.Contains(said(result), "differs at data.color") {
		t.Errorf("%+v", result)
	}
	s.options.Current = false
	if result := s.prove(); !result.Proven() || result.Behind != 2 {
		t.Errorf("%+v: %s", result, said(result))
	}
}

func TestProve_WhatTheGateDeniesNowIsNotProven(t *testing.T) {
	s := newScene(t)
	s.options.Judge = func(context.Context, plugin.Source) *plugin.Verdict {
		return &plugin.Verdict{Findings: []plugin.Finding{{Rule: "image/not-signed", Level: plugin.Deny, Message: "nobody signed it"}}}
	}
	if result := s.prove(); result.Proven() || result.Unanswered() || !strings.Contains(said(result), "nobody signed it (image/not-signed)") {
		t.Errorf("%+v", result)
	}
}

func TestProve_WithoutAnAnswerItIsNeitherProvenNorRefuted(t *testing.T) {
	for name, change := range map[string]func(s *scene){
		"the registry": func(s *scene) {
			s.options.Judge = func(context.Context, plugin.Source) *plugin.Verdict {
				return &plugin.Verdict{Findings: []plugin.Finding{{Rule: "verify/no-answer", Level: plugin.Undetermined, Message: "the registry did not answer"}}}
			}
		},
		"an empty verdict": func(s *scene) {
			s.options.Judge = func(context.Context, plugin.Source) *plugin.Verdict { return &plugin.Verdict{} }
		},
		"another repository":       func(s *scene) { s.options.Repository = func(string) *revision.Commits { return nil } },
		"a branch that is missing": func(s *scene) { s.options.Branch = "environments/test" },
		"a dry branch missing": func(s *scene) {
			s.application = strings.Replace(written, "targetRevision: main", "targetRevision: other", 1)
		},
		"a shallow clone": func(s *scene) {
			s.git("checkout", "-q", "main")
			s.commit(dryFiles("blue"))
			s.commit(dryFiles("green"))
			dir := filepath.Join(s.t.TempDir(), "clone")
			s.git("clone", "-q", "--depth=1", "--no-single-branch", "file://"+s.dir, dir)
			s.options.Repository = func(string) *revision.Commits { return s.open(dir) }
		},
	} {
		s := newScene(t)
		change(s)
		if result := s.prove(); result.Proven() || !result.Unanswered() {
			t.Errorf("%s: %+v", name, result)
		}
	}
}

func TestProve_AnApplicationThatCannotBeProvenSaysWhy(t *testing.T) {
	for name, each := range map[string]struct{ from, to, said string }{
		"no plugin":      {", plugin: {name: assay}", "", "drySource does not name the plugin"},
		"another plugin": {"name: assay", "name: helmfile", "drySource does not name the plugin"},
		"the root":       {"path: apps/shop", "path: .", `the path "."`},
		"out of it":      {"path: apps/shop", "path: ../shop", `the path "../shop"`},
		"no branch":      {"targetBranch: environments/prod", "targetBranch: ''", `the branch ""`},
		"a parameter":    {"name: assay", "name: assay, parameters: [{name: gate, string: lax}]", "gate"},
	} {
		s := newScene(t)
		s.application = strings.Replace(written, each.from, each.to, 1)
		if result := s.prove(); result.Proven() || result.Unanswered() || !strings.Contains(said(result), each.said) {
			t.Errorf("%s: %+v: %s", name, result, said(result))
		}
	}
}

// TestProve_TheRemotesBranchGoesBeforeALocalOne is a clone whose local branch is
// older, or its user's own.
func TestProve_TheRemotesBranchGoesBeforeALocalOne(t *testing.T) {
	s := newScene(t)
	dir := filepath.Join(t.TempDir(), "clone")
	s.git("clone", "-q", s.dir, dir)
	s.options.Repository = func(string) *revision.Commits { return s.open(dir) }
	if result := s.prove(); !result.Proven() {
		t.Fatalf("%+v: %s", result, said(result))
	}
	s.commit(map[string]string{at + "/manifest.yaml": strings.Replace(hydratedFile, "red", "blue", 1)})
	s.git("-C", dir, "fetch", "-q")
	if result := s.prove(); result.Proven() {
		t.Error("the local branch was looked at")
	}
}

// A job looks at the pull request that is checked out, whatever the remote calls
// its HEAD.
func TestProve_HEADIsWhatIsCheckedOut(t *testing.T) {
	s := newScene(t)
	dir := filepath.Join(t.TempDir(), "clone")
	s.git("clone", "-q", s.dir, dir) // its remote's HEAD is the hydrated branch
	s.git("-C", dir, "checkout", "-q", "-b", "promotion")
	s.options.Repository, s.options.Branch = func(string) *revision.Commits { return s.open(dir) }, "HEAD"
	if result := s.prove(); !result.Proven() {
		t.Fatalf("%+v: %s", result, said(result))
	}
	s.git("-C", dir, "rm", "-q", at+"/manifest.yaml")
	s.git("-C", dir, "commit", "-q", "-m", "mine")
	if result := s.prove(); result.Proven() || !strings.Contains(said(result), "the folder has no manifest.yaml") {
		t.Errorf("%+v: %s", result, said(result))
	}
}
