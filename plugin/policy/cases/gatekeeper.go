package cases

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"

	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
)

const suiteVersion = "test.gatekeeper.sh/v1alpha1"

// suite is Gatekeeper's Suite (gator verify).
type suite struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Metadata   map[string]any `json:"metadata"`
	Skip       bool           `json:"skip"`
	Tests      []suiteTest    `json:"tests"`
}

// suiteTest is a template, a constraint, and their cases.
type suiteTest struct {
	Name       string      `json:"name"`
	Template   string      `json:"template"`
	Constraint string      `json:"constraint"`
	Expansion  string      `json:"expansion"`
	Cases      []suiteCase `json:"cases"`
	// Invalid asks for a constraint that its template refuses.
	Invalid bool `json:"invalid"`
	Skip    bool `json:"skip"`
}

type suiteCase struct {
	Name       string           `json:"name"`
	Object     string           `json:"object"`
	Inventory  []string         `json:"inventory"`
	Assertions []suiteAssertion `json:"assertions"`
	Skip       bool             `json:"skip"`
}

// suiteAssertion counts the violations whose message matches: "yes" (also when
// left out), "no" or a number. YAML 1.1 reads a bare yes or no as a boolean.
type suiteAssertion struct {
	Violations any     `json:"violations"`
	Message    *string `json:"message"`
}

// gatekeeperLayout is a file with a Suite.
func gatekeeperLayout() layout {
	return layout{
		name: "gatekeeper",
		claims: func(path string, entry fs.DirEntry) bool {
			if entry.IsDir() || !isYAML(entry.Name()) {
				return false
			}
			data, err := readFile(path)
			if err != nil || !bytes.Contains(data, []byte(suiteVersion)) {
				return false
			}
			var head suite
			return yaml.Unmarshal(data, &head) == nil && head.APIVersion == suiteVersion && head.Kind == "Suite"
		},
		run: runSuite,
	}
}

func runSuite(ctx context.Context, path string, options Options) []Case {
	data, err := readFile(path)
	if err != nil {
		return broken(path, err)
	}
	var read suite
	if err := yaml.UnmarshalStrict(data, &read); err != nil {
		return broken(path, fmt.Errorf("reading the suite: %w", err))
	}
	var cases []Case
	for _, test := range read.Tests {
		test.Skip = test.Skip || read.Skip
		cases = append(cases, test.run(ctx, path, options)...)
	}
	if len(cases) == 0 {
		return broken(path, errors.New("reading the suite: it has no case"))
	}
	return cases
}

func (t suiteTest) run(ctx context.Context, path string, options Options) []Case {
	if t.Skip {
		return []Case{{Suite: path, Name: t.Name, Outcome: Skipped}}
	}
	if t.Expansion != "" {
		return []Case{{Suite: path, Name: t.Name, Want: "a test without expansion", Got: "ExpansionTemplates are not read; workloads are expanded without them"}}
	}
	folder := filepath.Dir(path)
	made, err := newGround(nil, filepath.Join(folder, t.Template), filepath.Join(folder, t.Constraint))
	if t.Invalid {
		if err != nil {
			return []Case{{Suite: path, Name: t.Name, Outcome: Passed}}
		}
		return []Case{{Suite: path, Name: t.Name, Want: "a constraint that is refused", Got: "it was accepted"}}
	}
	if err != nil {
		return []Case{{Suite: path, Name: t.Name, Want: "policies that can be loaded", Got: oneLine(err.Error())}}
	}
	var cases []Case
	for _, each := range t.Cases {
		done := each.run(ctx, made, folder, options)
		done.Suite, done.Name = path, t.Name+"/"+each.Name
		cases = append(cases, done)
	}
	return cases
}

func (c suiteCase) run(ctx context.Context, made *ground, folder string, options Options) Case {
	if c.Skip {
		return Case{Outcome: Skipped}
	}
	objects, err := readObjects(filepath.Join(folder, c.Object))
	if err != nil {
		return Case{Want: "an object", Got: oneLine(err.Error())}
	}
	if len(objects) != 1 {
		return Case{Want: "one object", Got: fmt.Sprintf("%s holds %d", c.Object, len(objects))}
	}
	if objects[0], err = reviewed(objects[0]); err != nil {
		return Case{Want: "an object", Got: err.Error()}
	}
	for _, name := range c.Inventory {
		more, err := readObjects(filepath.Join(folder, name))
		if err != nil {
			return Case{Want: "an inventory", Got: oneLine(err.Error())}
		}
		objects = append(objects, more...)
	}
	objects[0].Origin = plugin.Origin{File: "the object of " + c.Object} // the inventory may hold its like
	asked := func(finding plugin.Finding) bool {
		_, own := made.own[finding.Rule]
		// A field is named for the Pods that a workload makes, which gator does not
		// look at.
		return own && finding.Origin == objects[0].Origin && finding.Field == ""
	}
	return c.compare(answerOf(made.judge(ctx, objects, options.At), asked))
}

// reviewed is the object that an AdmissionReview is about. Only a creation can
// be judged without the object in the cluster.
func reviewed(object plugin.Object) (plugin.Object, error) {
	id := object.ID()
	if id.Kind != "AdmissionReview" || id.Group() != "admission.k8s.io" {
		return object, nil
	}
	request, _ := object.Fields["request"].(map[string]any)
	fields, _ := request["object"].(map[string]any)
	operation, _ := request["operation"].(string)
	if fields == nil || operation != "" && operation != "CREATE" {
		return object, fmt.Errorf("an AdmissionReview of operation %q is not read; CREATE is", operation)
	}
	return plugin.Object{Fields: fields, Origin: object.Origin}, nil
}

// compare checks every assertion; without one there has to be no violation, as
// gator has it.
func (c suiteCase) compare(said answer) Case {
	assertions := c.Assertions
	if len(assertions) == 0 {
		assertions = []suiteAssertion{{Violations: "no"}}
	}
	for _, assertion := range assertions {
		want, met, err := assertion.met(said.violations)
		switch {
		case err != nil:
			return Case{Want: "an assertion that can be read", Got: err.Error()}
		case met:
		case len(said.open) > 0:
			return Case{Want: want, Got: "an answer that cannot be decided offline: " + words(said.open)}
		default:
			return Case{Want: want, Got: words(said.violations)}
		}
	}
	return Case{Outcome: Passed}
}

// met says what the assertion asks for and whether the violations are so.
func (a suiteAssertion) met(violations []plugin.Finding) (want string, met bool, err error) {
	matching, of := len(violations), ""
	if a.Message != nil {
		pattern, err := regexp.Compile(*a.Message)
		if err != nil {
			return "", false, fmt.Errorf("the message is no regular expression: %w", err)
		}
		matching, of = 0, fmt.Sprintf(" whose message matches %q", *a.Message)
		for _, violation := range violations {
			if pattern.MatchString(violation.Message) {
				matching++
			}
		}
	}
	switch value := a.Violations.(type) {
	case float64:
		if value < 0 || value != float64(int(value)) {
			break
		}
		return fmt.Sprintf("%d violations%s", int(value), of), matching == int(value), nil
	case nil:
		return "a violation" + of, matching > 0, nil
	case bool:
		return suiteAssertion{Violations: map[bool]string{true: "yes", false: "no"}[value], Message: a.Message}.met(violations)
	case string:
		switch value {
		case "yes":
			return "a violation" + of, matching > 0, nil
		case "no":
			return "no violation" + of, matching == 0, nil
		}
	}
	return "", false, fmt.Errorf("violations is %v, and not yes, no or a number", a.Violations)
}
