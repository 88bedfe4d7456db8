package policy

import (
	"errors"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

func TestSelf_AnApplicationMayBeRenderedWhenItNamesThePlugin(t *testing.T) {
	rendered := func(object string) []string {
		var said []string
		for _, finding := range selfFindings(SelfConfig{}, sealed(t, object)) {
			if finding.Rule != ruleSelfGitOps || !finding.Unwaivable || finding.Level != plugin.Deny || finding.Hint == "" {
				t.Errorf("%+v", finding)
			}
			said = append(said, finding.Message)
		}
		return said
	}
	good := app(specOf("source: " + gated))
	for name, test := range map[string]struct{ object, says string }{
		"no plugin":       {app(specOf("source: " + plain(gated))), "spec.source (path deploy) names no plugin"},
		"an operation":    {app(specOf("source: "+gated), "operation: {sync: {}}"), "operation is Argo CD's to write"},
		"a status":        {app(specOf("source: "+gated), "status: {operationState: {phase: Running}}"), "status is Argo CD's to write"},
		"the hydrator":    {app(specOf(hydrator)), `AppProject "team-a"`},
		"another version": {strings.Replace(good, "v1alpha1", "v1beta1", 1), "may not render Application"},
		"in lower case":   {strings.Replace(good, "kind: Application", "kind: application", 1), "may not render application"},
		"an AppProject":   {strings.Replace(good, "kind: Application", "kind: AppProject", 1), "may not render AppProject"},
		"a spec of text":  {app("spec: text"), "names no source"},
		"sources of text": {app("spec: {sources: text}"), "could not be evaluated"},
		"no spec":         {app("spec: null"), "names no source"},
	} {
		if said := rendered(test.object); len(said) == 0 || !strings.Contains(said[0], test.says) {
			t.Errorf("%s: %q", name, said)
		}
	}
	if said := rendered(good); len(said) != 0 {
		t.Errorf("twin: %q", said)
	}
}

func TestSelf_AnApplicationInTheGatesNamespaceIsDeniedWhateverItNames(t *testing.T) {
	good := app(specOf("source: " + gated))
	if finding := one(t, selfFindings(SelfConfig{}, sealed(t, strings.Replace(good, "namespace: team-a", "namespace: argocd", 1)))); finding.Rule != ruleSelfNamespace {
		t.Errorf("%+v", finding)
	}
	if found := selfFindings(SelfConfig{}, sealed(t, good)); len(found) != 0 {
		t.Errorf("twin: %+v", found)
	}
}

// An operator may change what it carries before it applies it.
func TestSelf_AnApplicationInsideAnotherObjectIsDeniedWhateverItNames(t *testing.T) {
	if finding := one(t, selfFindings(SelfConfig{}, sealed(t, work(app(specOf("source: "+gated)))))); finding.Rule != ruleSelfEmbedded {
		t.Errorf("%+v", finding)
	}
}

func TestSelf_WithoutAPolicyAnApplicationIsDenied(t *testing.T) {
	object := sealed(t, app(specOf("source: "+gated))).Objects[0]
	o := selfObject{object: object, id: object.ID()}
	for name, load := range map[string]func() ([]boundPolicy, error){
		"none":       func() ([]boundPolicy, error) { return nil, nil },
		"unreadable": func() ([]boundPolicy, error) { return nil, errors.New("disk") },
	} {
		if reasons := (toolPolicies{load: load}).reasons(t.Context(), o); len(reasons) != 1 {
			t.Errorf("%s: %q", name, reasons)
		}
	}
	if reasons := argoPolicies().reasons(t.Context(), o); len(reasons) != 0 {
		t.Errorf("twin: %q", reasons)
	}
}
