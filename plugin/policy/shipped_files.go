package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// shippedFile is a policy and its binding that come with assay: a rule of a
// pack, or what closes a way around the gate.
type shippedFile struct {
	policy  policyFile
	binding bindingFile
}

// readShipped reads one file of a folder of the repository. What the API server
// would refuse is refused here too, so that what is shipped can be installed.
func readShipped(files fs.FS, folder, name string) (shippedFile, error) {
	data, err := fs.ReadFile(files, name)
	if err != nil {
		return shippedFile{}, err
	}
	var documents []gate.Document
	line := 1
	for text := range strings.SplitSeq(string(data), "\n---\n") {
		document, err := shippedDocument(text, plugin.Origin{File: path.Join(folder, name), Line: line + preamble(text)})
		if err != nil {
			return shippedFile{}, err
		}
		documents = append(documents, document)
		line += strings.Count(text, "\n") + 2
	}
	read, err := readAdmission(documents)
	if err != nil {
		return shippedFile{}, err
	}
	if len(read.policies) != 1 || len(read.bindings) != 1 || read.bindings[0].Spec.PolicyName != read.policies[0].Name {
		return shippedFile{}, fmt.Errorf("%s: it is not one policy and its binding", path.Join(folder, name))
	}
	made := shippedFile{policy: read.policies[0], binding: read.bindings[0]}
	return made, errors.Join(checkPolicy(made.policy, false), checkBinding(made.binding, false))
}

// preamble counts the lines before a document's first field.
func preamble(text string) int {
	count := 0
	for line := range strings.Lines(text) {
		if bare := strings.TrimSpace(line); bare != "" && !strings.HasPrefix(bare, "#") {
			break
		}
		count++
	}
	return count
}

func shippedDocument(text string, at plugin.Origin) (gate.Document, error) {
	var head struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
	}
	encoded, err := yaml.YAMLToJSONStrict([]byte(text))
	if err == nil {
		err = json.Unmarshal(encoded, &head)
	}
	if err != nil {
		return gate.Document{}, fmt.Errorf("%s: %w", at, err)
	}
	return gate.Document{APIVersion: head.APIVersion, Kind: head.Kind, Name: at.File, JSON: encoded, At: at}, nil
}
