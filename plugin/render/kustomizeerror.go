package render

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

var (
	noObjectPattern  = regexp.MustCompile(`missing (kind|metadata\.name) in object|missing Resource metadata|MalformedYAMLError`)
	directoryPattern = regexp.MustCompile(`accumulation err='(.*)': must build at directory: '[^']*': file is not directory`)
	existsPattern    = regexp.MustCompile(`id resid\.ResId\{Gvk:resid\.Gvk\{Group:"([^"]*)", Version:"([^"]*)", Kind:"([^"]*)"[^{}]*\}, Name:"([^"]*)", Namespace:"([^"]*)"\} exists`)
	generatorPattern = regexp.MustCompile(`merging from generator &\{[^{}]*\}: `) // holds an address, another one each time
	registeredID     = regexp.MustCompile(`already registered id: ([^\s']+)`)
)

// refusal explains a failed build: what the confined files refused comes
// first, as kustomize hides it in its own text. Then what every renderer
// refuses, by the line of the resource, where kustomize names a file at most.
func (b *kustomizeBuild) refusal(err error, walk *kustomizeWalk) error {
	if b.files.refused != nil {
		return b.files.refused
	}
	file := b.folder
	if name, found := b.files.kustomization(b.folder); found {
		file = name
	}
	text := err.Error()
	if strings.Contains(text, "loading KV pairs") { // kustomize quotes the line, which may be a password
		return invalid(plugin.Origin{File: file}, "kustomize build: a source of a ConfigMap or Secret generator is not of the form key=value", nil)
	}
	diagnosis := &diagnosis{walk: walk}
	switch {
	case registeredID.MatchString(text):
		if found := diagnosis.duplicate(registeredID.FindStringSubmatch(text)[1], 1); found != nil {
			return found
		}
	case existsPattern.MatchString(text):
		match := existsPattern.FindStringSubmatch(text)
		id := plugin.ObjectID{APIVersion: strings.TrimPrefix(match[1]+"/"+match[2], "/"), Kind: match[3], Name: match[4], Namespace: match[5]}
		if found := diagnosis.duplicate(kustomizeID(id), 2); found != nil {
			return found
		}
	case noObjectPattern.MatchString(text):
		if found := diagnosis.resources(); found != nil {
			return found
		}
	}
	text = directoryPattern.ReplaceAllString(strings.ReplaceAll(text, "'"+virtualRoot, "'"), "$1")
	text = b.withoutQuotes(generatorPattern.ReplaceAllString(text, ""), walk)
	return invalid(plugin.Origin{File: file}, "kustomize build", errors.New(oneLine(text)))
}

// diagnosis looks, after a build that failed, at the files that it read.
type diagnosis struct {
	walk    *kustomizeWalk
	objects []plugin.Object
}

// resources reads every manifest as plain ones are read, and returns what is
// wrong with them.
func (d *diagnosis) resources() error {
	var problems problems
	seen := map[string]bool{}
	for _, folder := range d.walk.folders {
		for _, entry := range d.walk.visited[folder].Resources {
			name := path.Join(folder, entry)
			if seen[name] || !d.walk.files.isFile(name) {
				continue
			}
			seen[name] = true
			if !problems.add(d.file(name)) {
				return problems.err()
			}
		}
	}
	return problems.err()
}

func (d *diagnosis) file(name string) error {
	data, err := d.walk.files.read(name)
	if err != nil {
		return refuseRead(err, plugin.Origin{File: name})
	}
	stream := stream{limits: d.walk.files.tree.limits, file: name}
	if from, generated := d.walk.files.generated[name]; generated {
		stream.file, stream.line = from.File, linesUnknown
	}
	err = stream.decode(data)
	d.objects = append(d.objects, stream.objects...)
	return err
}

// duplicate finds the objects that kustomize could not tell apart, by the id
// that it writes. It is nil when there are less than that many: their names
// were changed on the way.
func (d *diagnosis) duplicate(id string, least int) error {
	_ = d.resources() // whatever else is wrong was not what kustomize stopped at
	var same []plugin.Object
	for _, object := range append(d.objects, d.generated()...) {
		if kustomizeID(object.ID()) == id {
			same = append(same, object)
		}
	}
	if len(same) < least {
		return nil
	}
	last := same[len(same)-1]
	also := ", also from " + same[0].Origin.String()
	if len(same) == 1 {
		also = ": its file is taken in on two ways"
	}
	return &plugin.Refusal{
		Rule: ruleDuplicate, Origin: last.Origin, Message: "the object " + last.ID().String() + " is rendered twice" + also,
		Why: "which of the two the cluster gets depends on the order", Hint: "remove one of them",
	}
}

// generated are the ConfigMaps and Secrets of generators, by their names.
func (d *diagnosis) generated() []plugin.Object {
	var objects []plugin.Object
	add := func(page *kustomizePage, field, kind string, index int, name, namespace string) {
		metadata := map[string]any{"name": name}
		if namespace != "" {
			metadata["namespace"] = namespace
		}
		objects = append(objects, plugin.Object{
			Fields: map[string]any{"apiVersion": "v1", "kind": kind, "metadata": metadata},
			Origin: page.lines.item(name, field, index),
		})
	}
	for _, folder := range d.walk.folders {
		page, known := d.walk.pages[folder]
		if !known {
			continue
		}
		for i, generator := range page.k.ConfigMapGenerator {
			add(page, "configMapGenerator", "ConfigMap", i, generator.Name, generator.Namespace)
		}
		for i, generator := range page.k.SecretGenerator {
			add(page, "secretGenerator", "Secret", i, generator.Name, generator.Namespace)
		}
	}
	return objects
}

// kustomizeID writes an object's name as kustomize's resid.ResId does.
func kustomizeID(id plugin.ObjectID) string {
	group, version, grouped := strings.Cut(id.APIVersion, "/")
	if !grouped {
		group, version = "[noGrp]", id.APIVersion
	}
	namespace := id.Namespace
	if namespace == "" {
		namespace = "[noNs]"
	}
	return fmt.Sprintf("%s.%s.%s/%s.%s", id.Kind, version, group, id.Name, namespace)
}

var unknownField = regexp.MustCompile(`unknown field "([^"]*)"`)

// brokenKustomization names the line that the library speaks of.
func brokenKustomization(data []byte, origin plugin.Origin, err error) *plugin.Refusal {
	text := strings.TrimPrefix(err.Error(), "invalid Kustomization: ")
	if field := unknownField.FindStringSubmatch(text); field != nil {
		origin.Line = findScalar(newLines(data, origin.File).root, field[1])
		return invalid(origin, "a kustomization has no field \""+field[1]+"\"", nil)
	}
	if strings.HasPrefix(text, "yaml: ") {
		fault := newYAMLFault(text)
		origin.Line = fault.lineIn(data, contentLine(data))
		text = fault.message
	}
	return invalid(origin, "reading the kustomization", errors.New(oneLine(text)))
}
