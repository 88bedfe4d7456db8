package render

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/google/go-jsonnet"

	"github.com/assay-gitops/assay/plugin"
)

const (
	// maxJsonnetStack bounds calls within calls, as Jsonnet's own command does.
	maxJsonnetStack = 500
	// maxJsonnetDepth bounds brackets and operators in a row in one file: its reader
	// calls itself for each.
	maxJsonnetDepth = 10_000
	// maxJsonnetBytes bounds a file: words may nest, too.
	maxJsonnetBytes = 4 << 20
)

// jsonnet renders one file of a directory: an object, or an array of them.
func (d *directory) jsonnet(name string) error {
	origin := plugin.Origin{File: name}
	importer := &treeImporter{tree: d.tree, libraries: []string{d.folderOf()}, contents: map[string]jsonnet.Contents{}}
	for _, written := range d.options.Libraries {
		library, err := within(".", strings.TrimLeft(written, "/"))
		if err != nil {
			return refuseRead(err, origin)
		}
		importer.libraries = append(importer.libraries, library)
	}
	for _, variable := range slices.Concat(d.options.ExternalVariables, d.options.TopLevel) {
		if err := checkJsonnetDepth([]byte(variable.Value), origin); err != nil {
			return fmt.Errorf("reading the variable %s: %w", variable.Name, err)
		}
	}
	text, err := d.machine(importer).EvaluateFile(name)
	switch {
	case importer.refused != nil:
		return importer.refused
	case err != nil:
		return jsonnetError(err, origin)
	case int64(len(text)) > d.tree.limits.RenderedBytes:
		return overLimit("renderedBytes", d.tree.limits, origin)
	}
	value, err := decodeJSON([]byte(text), d.tree.limits, origin)
	if err != nil {
		return err
	}
	lenient := d.stream.lenient
	d.stream.lenient = false // what a program makes is meant
	defer func() { d.stream.lenient = lenient }()
	return d.manifests(value, origin)
}

// manifests adds what a file made. Null is nothing.
func (d *directory) manifests(value any, origin plugin.Origin) error {
	objects, isList := value.([]any)
	if !isList {
		objects = []any{value}
	}
	for _, object := range objects {
		if object == nil {
			continue
		}
		if err := d.stream.add(object, origin); err != nil {
			return err
		}
	}
	return nil
}

// machine is one interpreter with the parameters' variables. What it traces goes
// nowhere.
func (d *directory) machine(importer *treeImporter) *jsonnet.VM {
	vm := jsonnet.MakeVM()
	vm.MaxStack = maxJsonnetStack
	vm.SetTraceOut(io.Discard)
	vm.Importer(importer)
	for _, variable := range d.options.ExternalVariables {
		if variable.Code {
			vm.ExtCode(variable.Name, variable.Value)
		} else {
			vm.ExtVar(variable.Name, variable.Value)
		}
	}
	for _, variable := range d.options.TopLevel {
		if variable.Code {
			vm.TLACode(variable.Name, variable.Value)
		} else {
			vm.TLAVar(variable.Name, variable.Value)
		}
	}
	return vm
}

// folderOf is the application's folder.
func (d *directory) folderOf() string {
	if d.tree.isFile(d.root) {
		return path.Dir(d.root)
	}
	return d.root
}

// treeImporter imports from the confined tree: beside the file that imports,
// then in the libraries, the last one first.
type treeImporter struct {
	tree      *tree
	libraries []string
	contents  map[string]jsonnet.Contents
	// refused is the first refusal.
	refused error
}

// Import implements jsonnet.Importer.
func (i *treeImporter) Import(from, written string) (jsonnet.Contents, string, error) {
	contents, name, err := i.find(from, written)
	if err != nil && i.refused == nil {
		i.refused = refuseRead(err, plugin.Origin{File: from})
	}
	return contents, name, err
}

func (i *treeImporter) find(from, written string) (jsonnet.Contents, string, error) {
	folders := slices.Clone(i.libraries)
	slices.Reverse(folders)
	folders = append([]string{path.Dir(from)}, folders...)
	missing := fmt.Errorf("importing %.200q: %w", written, fs.ErrNotExist)
	if !mayBeAFile(written) {
		return jsonnet.Contents{}, "", missing
	}
	for _, folder := range folders {
		name, err := within(folder, written)
		if err != nil {
			missing = err
			continue
		}
		info, err := i.tree.stat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return jsonnet.Contents{}, "", err
		case info.IsDir():
			return jsonnet.Contents{}, "", fmt.Errorf("%s %w", name, errIrregular)
		default:
			return i.read(name)
		}
	}
	return jsonnet.Contents{}, "", missing
}

// mayBeAFile reports whether a system has files of such a name: what it refuses to
// look for would be no answer.
func mayBeAFile(name string) bool {
	tooLong := func(step string) bool { return len(step) > 255 }
	return len(name) < 1024 && !strings.ContainsRune(name, 0) && !slices.ContainsFunc(strings.Split(name, "/"), tooLong)
}

func (i *treeImporter) read(name string) (jsonnet.Contents, string, error) {
	if known, has := i.contents[name]; has {
		return known, name, nil
	}
	data, err := i.tree.readFile(name)
	if err != nil {
		return jsonnet.Contents{}, "", err
	}
	if err := checkJsonnetDepth(data, plugin.Origin{File: name}); err != nil {
		return jsonnet.Contents{}, "", err
	}
	i.contents[name] = jsonnet.MakeContentsRaw(data)
	return i.contents[name], name, nil
}

// checkJsonnetDepth refuses what nests deeper than anybody writes: the reader of
// Jsonnet would use up the stack.
func checkJsonnetDepth(text []byte, origin plugin.Origin) error {
	depth, inRow := 0, 0
	for _, c := range text {
		switch c {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth = max(0, depth-1)
		}
		switch c {
		case '!', '-', '+', '~':
			inRow++
		case ' ', '\t', '\n', '\r':
		default:
			inRow = 0
		}
		if depth > maxJsonnetDepth || inRow > maxJsonnetDepth || len(text) > maxJsonnetBytes {
			return &plugin.Refusal{
				Rule: ruleLimit, Origin: origin, Message: fmt.Sprintf("is larger than %d bytes, or nests deeper than %d levels", maxJsonnetBytes, maxJsonnetDepth),
				Why: "a rendering is bounded, so that one application cannot stop the others", Hint: "make it smaller, or flatter",
			}
		}
	}
	return nil
}

// jsonnetPlace is a place in Jsonnet's complaint: "file:3:1-9" or
// "file:(3:1)-(4:2)".
var jsonnetPlace = regexp.MustCompile(`(?m)^\t?([^\t\n]+?):\(?(\d+):\d+`)

// jsonnetOwnPlace begins the message of a file that cannot be read as Jsonnet.
var jsonnetOwnPlace = regexp.MustCompile(`^[^\t\n ]+:\(?\d+:\d+(-\d+|\)-\(\d+:\d+\))? `)

// jsonnetError is the complaint's first line, at the first place that it names.
func jsonnetError(err error, origin plugin.Origin) error {
	message, _, _ := strings.Cut(err.Error(), "\n")
	message = strings.TrimPrefix(message, "RUNTIME ERROR: ")
	if strings.HasPrefix(message, "(CRASH)") {
		message = "Jsonnet's interpreter broke down"
	}
	if match := jsonnetPlace.FindStringSubmatch(err.Error()); match != nil {
		message = strings.TrimSpace(jsonnetOwnPlace.ReplaceAllString(message, ""))
		if line, err := strconv.Atoi(match[2]); err == nil && !strings.HasPrefix(match[1], "<") {
			origin = plugin.Origin{File: match[1], Line: line}
		}
	}
	return &plugin.Refusal{Rule: ruleInvalid, Origin: origin, Message: "evaluating Jsonnet: " + message, Hint: "fix the file, or give the variables that it asks for"}
}
