package gate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/assay-gitops/assay/plugin"
)

// document is one YAML document, and the line of every field read from it.
type document struct {
	file             string
	root             *yaml.Node
	apiVersion, kind string
	// lines has the line of each field by its path: "spec.waivers[0].until".
	lines map[string]int
}

// at is where a field stands; for a field that was left out, where its nearest
// parent stands.
func (d *document) at(field string) plugin.Origin {
	for {
		if line, known := d.lines[field]; known {
			return plugin.Origin{File: d.file, Line: line}
		}
		if field == "" {
			return plugin.Origin{File: d.file, Line: d.root.Line}
		}
		cut := strings.LastIndexAny(field, ".[")
		field = field[:max(cut, 0)]
	}
}

// file reads every document of one file.
func (l *loading) file(from source) {
	if from.rego {
		l.stray(from.name).add(plugin.Origin{File: from.name}, "reading the gate's configuration: no gate names this file of Rego, so nothing would be judged by it",
			"name it in spec.judge.rego.files, or take it out of the gate")
		return
	}
	documents, line, err := split(from.data)
	if err != nil {
		message := fmt.Sprintf("reading YAML: %v", err)
		l.stray(from.name).add(plugin.Origin{File: from.name, Line: line}, message, "correct the syntax")
		return
	}
	if len(documents) == 0 {
		l.problems.add(plugin.Origin{File: from.name}, "reading the gate's configuration: the file is empty", "write it or take it out")
	}
	for _, root := range documents {
		l.document(&document{file: from.name, root: root, lines: map[string]int{}})
	}
}

// split parses a stream and drops empty documents; line is the error's.
func split(data []byte) (documents []*yaml.Node, line int, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			documents, err = nil, fmt.Errorf("the YAML library stopped: %v", cause)
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var node yaml.Node
		err := decoder.Decode(&node)
		switch {
		case errors.Is(err, io.EOF):
			return documents, 0, nil
		case err != nil:
			text, line := yamlError(err)
			if tab := tabAt(data, line, text); tab > 0 {
				return nil, tab, errors.New("the line is indented with a tab, and YAML takes spaces only")
			}
			return nil, line, errors.New(text)
		case len(node.Content) == 1 && node.Content[0].ShortTag() != "!!null":
			documents = append(documents, node.Content[0])
		}
	}
}

var yamlErrorLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// yamlError takes the line out of the library's message.
func yamlError(err error) (string, int) {
	text := err.Error()
	match := yamlErrorLine.FindStringSubmatch(text)
	if match == nil {
		return text, 0
	}
	line, _ := strconv.Atoi(match[1]) // absent: zero, unknown
	return text[len(match[0]):], line
}

// tabAt is the line of the tab in an indentation that an error is about; zero
// when it is about something else. About some tabs the library names the line on
// which the value before them began.
func tabAt(data []byte, from int, text string) int {
	before := strings.Contains(text, "a tab character")
	if !before && !strings.Contains(text, "cannot start any token") {
		return 0
	}
	line := 0
	for text := range bytes.Lines(data) {
		line++
		indentation := text[:len(text)-len(bytes.TrimLeft(text, " \t"))]
		if (line == from || before && line > from) && bytes.ContainsRune(indentation, '\t') && len(bytes.TrimSpace(text)) > 0 {
			return line
		}
	}
	return 0
}

// document reads one object of the kind that it says it is.
func (l *loading) document(doc *document) {
	read := decoder{doc: doc, problems: l.problems, budget: l.budget.fresh()}
	origin := plugin.Origin{File: doc.file, Line: doc.root.Line}
	if doc.root.Kind != yaml.MappingNode {
		l.stray(doc.file).add(origin, "reading the gate's configuration: this is no object with apiVersion and kind", "write one, or take the file out of the gate")
		return
	}
	if doc.kind == "" { // an item of a list of one kind has been given it
		doc.apiVersion, doc.kind = textOf(doc.root, "apiVersion"), textOf(doc.root, "kind")
	}
	doc.lines["kind"] = lineOf(doc.root, "kind")
	switch {
	case doc.apiVersion == APIVersion && doc.kind == "Gate":
		l.gate(read)
	case doc.apiVersion == APIVersion && doc.kind == "Waivers":
		l.waiversOf(read)
	case isSigstore(doc.apiVersion) && doc.kind == "ClusterImagePolicy":
		l.imagePolicy(read)
	case doc.apiVersion == "policy.sigstore.dev/v1alpha1" && doc.kind == "TrustRoot":
		l.trustRoot(read)
	case isAdmission(doc.kind, doc.apiVersion), isKyverno(doc.kind, doc.apiVersion), isGatekeeper(doc.kind, doc.apiVersion):
		l.untyped(read)
	case isList(doc):
		l.list(doc)
	case doc.apiVersion == "apiextensions.k8s.io/v1" && doc.kind == "CustomResourceDefinition":
		l.untyped(read)
	default:
		l.others = append(l.others, doc)
	}
}

func isSigstore(apiVersion string) bool {
	return apiVersion == "policy.sigstore.dev/v1alpha1" || apiVersion == "policy.sigstore.dev/v1beta1"
}

// isGatekeeper reports whether a document is a template or a constraint of one,
// whose kind the template names.
func isGatekeeper(kind, apiVersion string) bool {
	switch apiVersion {
	case "templates.gatekeeper.sh/v1", "templates.gatekeeper.sh/v1beta1":
		return kind == "ConstraintTemplate"
	case "constraints.gatekeeper.sh/v1beta1":
		return kind != ""
	}
	return false
}

func (l *loading) gate(read decoder) {
	gate := Gate{At: plugin.Origin{File: read.doc.file, Line: read.doc.root.Line}}
	read.object(part{"metadata", &gate.Metadata}, part{"spec", &gate.Spec})
	l.config.Gates = append(l.config.Gates, gate)
	l.gates = append(l.gates, read.doc)
	if notation := gate.Spec.Trust.Notation; notation != nil {
		l.decides(gate.key(), read.doc.file, notation.TrustPolicy)
		l.decides(gate.key(), read.doc.file, notation.TrustStore)
	}
	if rego := gate.Spec.Judge.Rego; rego != nil {
		for _, file := range slices.Concat(rego.Files, rego.Data) {
			l.decides(gate.key(), read.doc.file, file)
		}
	}
	for _, registry := range gate.Spec.Registries {
		l.name(read.doc.file, registry.CA)
		if registry.Credentials != nil {
			l.name(read.doc.file, registry.Credentials.DockerConfig)
			l.name(read.doc.file, registry.Credentials.UsernameFile)
			l.name(read.doc.file, registry.Credentials.PasswordFile)
		}
	}
}

func (l *loading) imagePolicy(read decoder) {
	policy := ClusterImagePolicy{At: plugin.Origin{File: read.doc.file, Line: read.doc.root.Line}}
	read.fromCluster = true
	read.object(part{"metadata", &policy.Metadata}, part{"spec", &policy.Spec})
	l.config.ImagePolicies = append(l.config.ImagePolicies, policy)
	l.policies = append(l.policies, read.doc)
	for _, authority := range policy.Spec.Authorities {
		if authority.Key != nil {
			l.decides(policy.key(), read.doc.file, authority.Key.File)
		}
	}
}

func (l *loading) trustRoot(read decoder) {
	root := TrustRoot{At: plugin.Origin{File: read.doc.file, Line: read.doc.root.Line}}
	read.fromCluster = true
	read.object(part{"metadata", &root.Metadata}, part{"spec", &root.Spec})
	l.config.TrustRoots = append(l.config.TrustRoots, root)
	l.roots = append(l.roots, read.doc)
	l.decides(root.key(), read.doc.file, root.Spec.TrustedRootFile)
}

// name remembers that the configuration names a file, relative to another one.
func (l *loading) name(from, file string) {
	if file != "" {
		l.named[path.Clean(relativeTo(from, file))] = true
	}
}

// decides remembers that what is in a file, or below a folder, that the
// configuration names is part of what the document says that names it.
func (l *loading) decides(by, from, file string) {
	if file != "" {
		l.name(from, file)
		l.config.files = append(l.config.files, namedFile{by, from, file})
	}
}

// stray is where complaints go about a file that may be data which a gate
// names.
func (l *loading) stray(file string) *problems {
	key := path.Clean(file)
	if l.strays[key] == nil {
		l.strays[key] = &problems{}
	}
	return l.strays[key]
}
