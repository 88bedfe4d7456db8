package render

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/fluxcd/pkg/envsubst"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
)

// substituteSwitch is the label or annotation by which an object has no
// variables, with the value substituteOff.
const (
	substituteSwitch = "kustomize.toolkit.fluxcd.io/substitute"
	substituteOff    = "disabled"
)

const (
	// mostVariables bounds the "${" of one object: the library calls itself for
	// each.
	mostVariables = 50_000
	// mostCopied bounds the bytes that it copies: the whole text for each "$$".
	mostCopied = 1 << 33
	// mostUnset bounds the variables without a value that are named of one object.
	mostUnset = 10
)

// variableName is what Flux accepts as one (fluxcd/pkg/kustomize, varsub).
var variableName = regexp.MustCompile(`^[_[:alpha:]][_[:alpha:][:digit:]]*$`)

// substitution puts variables into built objects, as kustomize-controller does
// with spec.postBuild. Its nil value puts none. No message of it holds a value:
// values come from Secrets, too.
type substitution struct {
	values map[string]string
	strict bool
	files  *kustomizeFiles
	// pieces are what expressions over secret variables came to.
	pieces *pieces
}

// newSubstitution is nil where Flux substitutes nothing: without postBuild,
// and without a variable unless it is told to do so always.
func newSubstitution(asked *plugin.FluxPostBuild, files *kustomizeFiles) *substitution {
	if asked == nil || len(asked.Substitute) == 0 && !asked.Always {
		return nil
	}
	s := &substitution{values: make(map[string]string, len(asked.Substitute)), strict: asked.Strict, files: files, pieces: newPieces(asked.Secret)}
	for name, value := range asked.Substitute {
		s.values[name] = strings.ReplaceAll(value, "\n", "")
	}
	return s
}

// all substitutes in every object that was built. objects are the built ones
// in the same order.
func (s *substitution) all(built resmap.ResMap, objects []plugin.Object) error {
	if s == nil {
		return nil
	}
	reader := &nodeReader{folder: objectsFolder(objects), limits: s.files.tree.limits}
	var problems problems
	for i, node := range built.Resources() {
		if substitutesNothing(objects[i]) {
			continue
		}
		if err := s.checkNames(); err != nil {
			return err
		}
		err := s.one(node, objects[i])
		if err == nil {
			_, err = built.Replace(node)
			err = oneName(err, objects[i])
		}
		if err == nil {
			objects[i].Fields, err = reader.fields(node)
		}
		if !problems.add(err) {
			break
		}
	}
	return problems.err()
}

// hidden are the parts of secret values that were put into objects.
func (s *substitution) hidden() []string {
	if s == nil {
		return nil
	}
	return s.pieces.sorted()
}

func objectsFolder(objects []plugin.Object) string {
	if len(objects) == 0 {
		return ""
	}
	return objects[0].Origin.File
}

// oneName explains that two objects have one name after substitution.
func oneName(err error, object plugin.Object) error {
	if err == nil {
		return nil
	}
	return &plugin.Refusal{
		Rule: ruleDuplicate, Origin: object.Origin, Message: "with its variables filled in, " + object.ID().String() + " has the name of another object",
		Why: "which of the two the cluster gets depends on the order", Hint: "give them names of their own",
	}
}

func substitutesNothing(object plugin.Object) bool {
	metadata, _ := object.Fields["metadata"].(map[string]any)
	for _, field := range []string{"labels", "annotations"} {
		texts, _ := metadata[field].(map[string]any) // others switch nothing off
		if texts[substituteSwitch] == substituteOff {
			return true
		}
	}
	return false
}

// checkNames refuses variables whose names Flux refuses.
func (s *substitution) checkNames() error {
	for _, name := range slices.Sorted(maps.Keys(s.values)) {
		if !variableName.MatchString(name) {
			return &plugin.Refusal{
				Rule: ruleInvalid, Message: fmt.Sprintf("%q is no name of a variable", name),
				Why:  "Flux refuses to substitute anything when one name is wrong",
				Hint: "use letters, digits and _ in postBuild.substitute and in the keys of the ConfigMaps and Secrets, with no digit in front",
			}
		}
	}
	return nil
}

// one substitutes in one object: in its text as YAML, keys and all.
func (s *substitution) one(node *resource.Resource, object plugin.Object) error {
	text, err := node.AsYAML()
	if err != nil {
		return invalid(object.Origin, "writing "+object.ID().String()+" to put variables into it", err)
	}
	if escapes := bytes.Count(text, []byte("$$")); escapes*len(text) > mostCopied || bytes.Count(text, []byte("${")) > mostVariables {
		return &plugin.Refusal{
			Rule: ruleLimit, Origin: object.Origin, Message: object.ID().String() + " has too many dollar signs to look for variables at",
			Why: "a rendering is bounded, so that one application cannot stop the others", Hint: switchOff(),
		}
	}
	if missing := s.unset(string(text)); s.strict && len(missing) > 0 {
		return s.notSet(missing, object)
	}
	filled, err := s.fill(string(text))
	if err != nil {
		return s.unreadable(err, object)
	}
	if !s.pieces.find(string(text), s.values) {
		return tooManyPieces(object)
	}
	limits := s.files.tree.limits
	if int64(len(filled)) > limits.RenderedBytes {
		return overLimit("renderedBytes", limits, object.Origin)
	}
	if err := checkBounds([]byte(filled), limits, object.Origin); err != nil {
		return err
	}
	data, err := yaml.YAMLToJSON([]byte(filled))
	if err != nil {
		fault := newYAMLFault(withoutQuotes(strings.TrimPrefix(err.Error(), "yaml: ")))
		return s.broken(object, s.unset(string(text)), errors.New(fault.message))
	}
	if err := node.UnmarshalJSON(data); err != nil {
		return s.broken(object, s.unset(string(text)), nil) // the error may quote a value
	}
	return nil
}

// fill evaluates a text. A value that is not there is empty. Beyond the limit
// on a rendering values are empty as well: it will be refused.
func (s *substitution) fill(text string) (string, error) {
	left := s.files.tree.limits.RenderedBytes
	filled, err := envsubst.Eval(text, func(name string) (string, bool) {
		value := s.values[name]
		if left -= int64(len(value)); left < 0 {
			return "", true
		}
		return value, true
	})
	if err == nil && left < 0 {
		return "", errTooMuch
	}
	return filled, err //nolint:wrapcheck // the caller says of what
}

var errTooMuch = errors.New("the values are larger than a rendering may be")

// unset are the variables of a text that have neither a value nor a default,
// in order. What cannot be read has none; fill says so.
func (s *substitution) unset(text string) []string {
	var missing []string
	pretended := map[string]bool{}
	for len(missing) < mostUnset {
		asked := ""
		_, err := envsubst.Eval(text, func(name string) (string, bool) {
			asked = name
			_, set := s.values[name]
			return "", set || pretended[name]
		})
		if _, set := s.values[asked]; err == nil || asked == "" || set || pretended[asked] {
			return missing
		}
		pretended[asked] = true
		missing = append(missing, asked)
	}
	return missing
}

// notSet refuses variables without a value, each at the line that names it.
func (s *substitution) notSet(missing []string, object plugin.Object) error {
	var problems problems
	for _, name := range missing {
		problems.add(&plugin.Refusal{
			Rule: ruleUnresolved, Origin: s.lineOf(name, object.Origin), Message: fmt.Sprintf("%s uses the variable %s, which is not set", object.ID(), name),
			Why: "variables are substituted strictly", Hint: "set " + name + " in postBuild.substitute or substituteFrom, or give it a default: ${" + name + ":=value}",
		})
	}
	return problems.err()
}

// lineOf is the first line from an object's own on that names a variable.
func (s *substitution) lineOf(name string, origin plugin.Origin) plugin.Origin {
	data, err := s.files.read(origin.File)
	if err != nil || origin.Line == 0 {
		return origin
	}
	named := regexp.MustCompile(`\$\{[#]?` + regexp.QuoteMeta(name) + `\b`)
	line := 0
	for text := range bytes.Lines(data) {
		if line++; line >= origin.Line && named.Match(text) {
			origin.Line = line
			break
		}
	}
	return origin
}

func (s *substitution) unreadable(cause error, object plugin.Object) error {
	if errors.Is(cause, errTooMuch) {
		return overLimit("renderedBytes", s.files.tree.limits, object.Origin)
	}
	return &plugin.Refusal{
		Rule: ruleInvalid, Origin: object.Origin, Message: "looking for variables in " + object.ID().String(), Cause: cause,
		Why: "every ${...} in an object is a variable once postBuild substitutes", Hint: "write $${ for a ${ that is meant as text, or " + switchOff(),
	}
}

func switchOff() string {
	return "annotate the object with " + substituteSwitch + ": " + substituteOff
}

// broken explains that what substitution made of an object cannot be read: an
// image without its tag ends in a colon, which begins a mapping.
func (s *substitution) broken(object plugin.Object, unset []string, cause error) *plugin.Refusal {
	refusal := &plugin.Refusal{
		Rule: ruleInvalid, Origin: object.Origin, Message: "with its variables filled in, " + object.ID().String() + " is not a Kubernetes object in YAML", Cause: cause,
		Why: "values are put into the YAML as they are", Hint: `choose values without the signs that YAML reads, or write quotes into the value: '"..."'`,
	}
	if len(unset) > 0 {
		names := strings.Join(unset, ", ")
		refusal.Rule, refusal.Origin = ruleUnresolved, s.lineOf(unset[0], object.Origin)
		refusal.Message = "with nothing in the place of " + names + ", " + object.ID().String() + " is not a Kubernetes object in YAML"
		refusal.Hint = "set " + names + " in postBuild.substitute or substituteFrom, or write a default: ${" + unset[0] + ":=value}"
	}
	return refusal
}
