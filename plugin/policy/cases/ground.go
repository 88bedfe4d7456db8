package cases

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	kjson "k8s.io/apimachinery/pkg/util/json"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/policy"
)

// defaultNamespace is where Kyverno's tests put objects without a namespace;
// elsewhere their namespace is not known, as that of a rendering.
const defaultNamespace = "default"

// ground is a set of compiled policies.
type ground struct {
	judges []plugin.Judge
	// own are the rules of the policies that were compiled.
	own map[string]policy.Listed
	// idle says of policies why they are not in force.
	idle []string
	// namespace is where objects without a namespace of their own go.
	namespace string
	// lists is set where a List is judged as the object that it is, and not for
	// its items.
	lists bool
	// openDenies is set for shipped rules that are code, whose authors say with
	// a case in fail/ that the gate denies what nobody can decide offline.
	openDenies bool
}

// newGround compiles the policies in files as a gate would, with what cases
// may rely on: labels are believed, and what is given is all that there is. A
// Gate among the files says what policies take from their gate. A layout may
// change the documents first; nil changes nothing.
func newGround(change func([]gate.Document) []gate.Document, files ...string) (*ground, error) {
	config, err := gate.Load(files...)
	if err != nil {
		return nil, err
	}
	spec, err := specOf(config)
	if err != nil {
		return nil, err
	}
	documents := config.Documents
	if change != nil {
		documents = change(documents)
	}
	spec.Judge.TrustObjectLabels, spec.Judge.InventoryComplete = true, true
	return compile(spec, documents)
}

// specOf is what the one gate of a configuration says, or nothing.
func specOf(config *gate.Config) (gate.Spec, error) {
	switch len(config.Gates) {
	case 0:
		return gate.Spec{}, nil
	case 1:
		return config.Gates[0].Spec, nil
	}
	return gate.Spec{}, fmt.Errorf("reading %s: cases are judged by one gate, and here is a second", config.Gates[1].At)
}

func compile(spec gate.Spec, documents []gate.Document) (*ground, error) {
	described := gate.Gate{Metadata: gate.Metadata{Name: "test"}, Spec: spec}
	compiled, err := policy.NewCompiler().Compile(policy.Config{Gate: described, Documents: documents})
	if err != nil {
		return nil, err
	}
	made := &ground{judges: compiled.Judges, own: map[string]policy.Listed{}}
	for _, rule := range compiled.List() {
		if rule.Own {
			made.own[rule.Rule.ID] = rule
		}
	}
	for _, warning := range compiled.Warnings {
		made.idle = append(made.idle, warning.Message)
	}
	return made, nil
}

// judge is what the policies say about objects; a rendering that holds them
// alone.
func (g *ground) judge(ctx context.Context, objects []plugin.Object, at time.Time) []plugin.Finding {
	sealed := plugin.Sealed{Source: plugin.Source{Application: plugin.Application{Name: "test", Namespace: g.namespace}}, Objects: objects, At: at}
	var findings []plugin.Finding
	for _, judge := range g.judges {
		findings = append(findings, judge.Judge(ctx, sealed)...)
	}
	return findings
}

// answer is what one rule, or several, say of a case.
type answer struct {
	violations, open []plugin.Finding
	// wrong is why the case itself is not an object that can be judged.
	wrong string
}

// answerOf sorts the findings of the rules that are asked for. A finding that
// an exception covers is no violation, nor is one that cannot be decided
// offline.
func answerOf(findings []plugin.Finding, asked func(plugin.Finding) bool) answer {
	var said answer
	for _, finding := range findings {
		switch {
		case finding.Rule == "schema/invalid" && said.wrong == "" && !asked(finding):
			said.wrong = finding.Object.String() + ": " + finding.Message
		case !asked(finding) || finding.Waiver != nil:
		case finding.Indeterminate:
			said.open = append(said.open, finding)
		default:
			said.violations = append(said.violations, finding)
		}
	}
	return said
}

// words are the messages of findings, for a person.
func words(findings []plugin.Finding) string {
	if len(findings) == 0 {
		return "nothing"
	}
	var texts []string
	for _, finding := range findings {
		texts = append(texts, finding.Rule+": "+finding.Message)
	}
	return oneLine(strings.Join(texts, "; "))
}

// readObjects reads all objects of a file; the items of a List count each, as
// rendering has it.
func readObjects(path string) ([]plugin.Object, error) {
	written, err := readWritten(path)
	if err != nil {
		return nil, err
	}
	var objects []plugin.Object
	for _, object := range written {
		items, isList := object.Fields["items"].([]any)
		if !isList || !strings.HasSuffix(object.ID().Kind, "List") {
			objects = append(objects, object)
			continue
		}
		for i, item := range items {
			fields, is := item.(map[string]any)
			if !is {
				return nil, fmt.Errorf("reading %s: item %d of the list is no object", path, i)
			}
			objects = append(objects, plugin.Object{Fields: fields, Origin: object.Origin})
		}
	}
	if len(objects) == 0 {
		return nil, fmt.Errorf("reading %s: it holds no object", path)
	}
	return objects, nil
}

// readWritten reads all objects of a file as they are written.
func readWritten(path string) ([]plugin.Object, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data)))
	var objects []plugin.Object
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", path, err)
		}
		object, err := readObject(document)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", path, err)
		}
		if object != nil {
			objects = append(objects, plugin.Object{Fields: object, Origin: plugin.Origin{File: path}})
		}
	}
	if len(objects) == 0 {
		return nil, fmt.Errorf("reading %s: it holds no object", path)
	}
	return objects, nil
}

// readObject is nil for an empty document.
func readObject(document []byte) (map[string]any, error) {
	encoded, err := yaml.YAMLToJSONStrict(document)
	if err != nil {
		return nil, err
	}
	var fields map[string]any
	if err := kjson.Unmarshal(encoded, &fields); err != nil {
		return nil, fmt.Errorf("it is no object: %w", err)
	}
	return fields, nil
}
