package cases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// kyvernoTest is Kyverno's Test (kyverno test). Fields that only say what a
// cluster would answer are named, so that a test that needs them fails by name.
type kyvernoTest struct {
	APIVersion       string          `json:"apiVersion"`
	Kind             string          `json:"kind"`
	Metadata         map[string]any  `json:"metadata"`
	Name             string          `json:"name"`
	Policies         []string        `json:"policies"`
	Resources        []string        `json:"resources"`
	PolicyExceptions []string        `json:"exceptions"`
	ParamResources   []string        `json:"paramResources"`
	Results          []kyvernoResult `json:"results"`

	JSONPayload          string   `json:"jsonPayload"`
	JSONPayloads         []string `json:"jsonPayloads"`
	HTTPPayloads         []string `json:"httpPayloads"`
	EnvoyPayloads        []string `json:"envoyPayloads"`
	TargetResources      []string `json:"targetResources"`
	ClusterResources     []string `json:"clusterResources"`
	Variables            string   `json:"variables"`
	UserInfo             string   `json:"userinfo"`
	Context              string   `json:"context"`
	Values               any      `json:"values"`
	APICallResponses     []any    `json:"apiCallResponses"`
	GlobalContextEntries []any    `json:"globalContextEntries"`
}

// kyvernoResult is what a policy is to say of resources.
type kyvernoResult struct {
	Policy        string         `json:"policy"`
	Rule          string         `json:"rule"`
	Result        string         `json:"result"`
	Kind          string         `json:"kind"`
	Resources     []string       `json:"resources"`
	ResourceSpecs []kyvernoNamed `json:"resourceSpecs"`
	Operation     string         `json:"operation"`

	IsValidatingAdmissionPolicy bool     `json:"isValidatingAdmissionPolicy"`
	IsValidatingPolicy          bool     `json:"isValidatingPolicy"`
	IsMutatingAdmissionPolicy   bool     `json:"isMutatingAdmissionPolicy"`
	IsDeletingPolicy            bool     `json:"isDeletingPolicy"`
	IsImageValidatingPolicy     bool     `json:"isImageValidatingPolicy"`
	IsGeneratingPolicy          bool     `json:"isGeneratingPolicy"`
	IsMutatingPolicy            bool     `json:"isMutatingPolicy"`
	PatchedResources            string   `json:"patchedResources"`
	GeneratedResource           string   `json:"generatedResource"`
	GeneratedResources          []string `json:"generatedResources"`
	CloneSourceResource         string   `json:"cloneSourceResource"`
	FailOnMissingResources      bool     `json:"failOnMissingResources"`
}

// kyvernoNamed names one resource in full.
type kyvernoNamed struct {
	Group       string `json:"group"`
	Version     string `json:"version"`
	Kind        string `json:"kind"`
	Namespace   string `json:"namespace"`
	Subresource string `json:"subresource"`
	Name        string `json:"name"`
}

// kyvernoLayout is a file called kyverno-test.yaml.
func kyvernoLayout() layout {
	return layout{
		name: "kyverno",
		claims: func(_ string, entry fs.DirEntry) bool {
			return !entry.IsDir() && slices.Contains([]string{"kyverno-test.yaml", "kyverno-test.yml"}, entry.Name())
		},
		run: runKyverno,
	}
}

func runKyverno(ctx context.Context, path string, options Options) []Case {
	data, err := readFile(path)
	if err != nil {
		return broken(path, err)
	}
	var test kyvernoTest
	if err := yaml.UnmarshalStrict(data, &test); err != nil {
		return broken(path, fmt.Errorf("reading the test: %w", err))
	}
	if group, _, _ := strings.Cut(test.APIVersion, "/"); test.Kind != "Test" || group != "cli.kyverno.io" && group != "kyverno.io" {
		return broken(path, fmt.Errorf("reading the test: it is a %s of %s, and not a Test of cli.kyverno.io", test.Kind, test.APIVersion))
	}
	if missing := test.unsupported(); len(missing) > 0 {
		return broken(path, fmt.Errorf("the test needs %s, which is not read: a gate has nobody to ask", strings.Join(missing, ", ")))
	}
	folder := filepath.Dir(path)
	var files []string
	for _, name := range slices.Concat(test.Policies, test.PolicyExceptions, test.ParamResources) {
		files = append(files, filepath.Join(folder, name))
	}
	made, err := newGround(bindUnbound, files...)
	if err != nil {
		return broken(path, err)
	}
	made.namespace = defaultNamespace
	var objects []plugin.Object
	for _, name := range test.Resources {
		read, err := readObjects(filepath.Join(folder, name))
		if err != nil {
			return broken(path, err)
		}
		objects = append(objects, read...)
	}
	findings := made.judge(ctx, objects, options.At)
	var cases []Case
	for _, result := range test.Results {
		cases = append(cases, result.run(path, made, objects, findings)...)
	}
	if len(cases) == 0 {
		return broken(path, errors.New("reading the test: it has no result"))
	}
	return cases
}

// bindUnbound gives a binding to each ValidatingAdmissionPolicy that has none:
// Kyverno's tests judge by such policies, which no cluster enforces.
func bindUnbound(documents []gate.Document) []gate.Document {
	bound := map[string]bool{}
	for _, document := range documents {
		var read struct {
			Spec struct {
				PolicyName string `json:"policyName"`
			} `json:"spec"`
		}
		if document.Kind == "ValidatingAdmissionPolicyBinding" && json.Unmarshal(document.JSON, &read) == nil {
			bound[read.Spec.PolicyName] = true
		}
	}
	for _, document := range slices.Clone(documents) {
		if document.Kind != "ValidatingAdmissionPolicy" || bound[document.Name] {
			continue
		}
		text := fmt.Sprintf(`{"apiVersion": %q, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": %q}, "spec": {"policyName": %q, "validationActions": ["Deny"]}}`,
			document.APIVersion, document.Name, document.Name)
		documents = append(documents, gate.Document{APIVersion: document.APIVersion, Kind: "ValidatingAdmissionPolicyBinding", Name: document.Name, JSON: []byte(text), At: document.At})
	}
	return documents
}

// unsupported names the fields of the test that have no meaning here.
func (t kyvernoTest) unsupported() []string {
	var names []string
	for _, field := range []struct {
		name string
		set  bool
	}{
		{"jsonPayload", t.JSONPayload != "" || len(t.JSONPayloads) > 0}, {"httpPayloads", len(t.HTTPPayloads) > 0},
		{"envoyPayloads", len(t.EnvoyPayloads) > 0}, {"targetResources", len(t.TargetResources) > 0},
		{"clusterResources", len(t.ClusterResources) > 0}, {"variables", t.Variables != ""}, {"values", t.Values != nil},
		{"userinfo", t.UserInfo != ""}, {"context", t.Context != ""}, {"apiCallResponses", len(t.APICallResponses) > 0},
		{"globalContextEntries", len(t.GlobalContextEntries) > 0},
	} {
		if field.set {
			names = append(names, field.name)
		}
	}
	return names
}

// run compares what was said of each resource. Kyverno tells pass from skip by
// whether a rule matched; both mean here that nothing was said.
func (r kyvernoResult) run(path string, made *ground, objects []plugin.Object, findings []plugin.Finding) []Case {
	named := r.named()
	if err := r.check(made); err != nil || len(named) == 0 {
		return []Case{{Suite: path, Name: r.Policy, Want: "a result that can be compared", Got: oneLine(errorOr(err, "it names no resources"))}}
	}
	var cases []Case
	for _, name := range named {
		done := Case{Suite: path, Name: r.Policy + "/" + name.String(), Want: r.Result}
		at := slices.IndexFunc(objects, func(object plugin.Object) bool { return name.is(object.ID()) })
		if at < 0 {
			done.Got = "no such resource in the test's files"
			cases = append(cases, done)
			continue
		}
		rule, id := "policy/"+r.Policy, objects[at].ID()
		said := answerOf(findings, func(finding plugin.Finding) bool { return finding.Rule == rule && finding.Object == id })
		switch failed := len(said.violations) > 0; {
		case !failed && len(said.open) > 0:
			done.Got = "an answer that cannot be decided offline: " + words(said.open)
		case failed == slices.Contains([]string{"fail", "warn"}, r.Result):
			done.Outcome = Passed
		default:
			done.Got = words(said.violations)
		}
		cases = append(cases, done)
	}
	return cases
}

func errorOr(err error, otherwise string) string {
	if err != nil {
		return err.Error()
	}
	return otherwise
}

// check refuses what cannot be compared, by name.
func (r kyvernoResult) check(made *ground) error {
	if r.IsMutatingAdmissionPolicy || r.IsDeletingPolicy || r.IsImageValidatingPolicy || r.IsGeneratingPolicy || r.IsMutatingPolicy ||
		r.PatchedResources != "" || r.GeneratedResource != "" || len(r.GeneratedResources) > 0 || r.CloneSourceResource != "" {
		return errors.New("only policies that validate are judged")
	}
	if r.Operation != "" && r.Operation != "CREATE" {
		return fmt.Errorf("operation %s needs the object in the cluster; CREATE does not", r.Operation)
	}
	if !slices.Contains([]string{"pass", "fail", "skip", "warn"}, r.Result) {
		return fmt.Errorf("the result %q is not compared; pass, fail, skip and warn are", r.Result)
	}
	if _, known := made.own["policy/"+r.Policy]; !known {
		return fmt.Errorf("no policy %q is in force: %s", r.Policy, strings.Join(append(made.idle, "the test's files hold none of that name"), "; "))
	}
	return nil
}

// named are the resources of a result, as name or namespace/name of its kind,
// or in full.
func (r kyvernoResult) named() []kyvernoNamed {
	named := slices.Clone(r.ResourceSpecs)
	for _, text := range r.Resources {
		namespace, name, found := strings.Cut(text, "/")
		if !found {
			namespace, name = "", text
		}
		named = append(named, kyvernoNamed{Kind: r.Kind, Namespace: namespace, Name: name})
	}
	return named
}

func (n kyvernoNamed) String() string {
	return strings.TrimPrefix(strings.Join([]string{n.Kind, n.Namespace, n.Name}, "/"), "/")
}

// is reports whether the object is meant. Objects without a namespace are in
// the default one.
func (n kyvernoNamed) is(id plugin.ObjectID) bool {
	group, version, hasGroup := strings.Cut(id.APIVersion, "/")
	if !hasGroup {
		group, version = "", id.APIVersion
	}
	namespace := id.Namespace
	if namespace == "" {
		namespace = defaultNamespace
	}
	return id.Name == n.Name && (n.Kind == "" || id.Kind == n.Kind) && (n.Namespace == "" || n.Namespace == namespace) &&
		(n.Group == "" || n.Group == group) && (n.Version == "" || n.Version == version)
}
