package hydrated

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// tracking are the annotations that Argo CD adds to what it renders and takes
// away again before it commits.
func tracking() []string {
	return []string{"argocd.argoproj.io/tracking-id", "argocd.argoproj.io/installation-id"}
}

// manifest is the file that the commit server makes of sealed documents, one a
// line: the repo-server opens lists, the controller takes its own annotations
// away, and the commit server writes YAML with an indent of two.
func manifest(sealed []byte) ([]byte, error) {
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	for line := range bytes.Lines(sealed) {
		objects, err := opened(line)
		if err != nil {
			return nil, err
		}
		for _, object := range objects {
			fields, err := committed(object)
			if err == nil {
				err = encoder.Encode(&fields)
			}
			if err != nil {
				return nil, fmt.Errorf("writing the manifests as the commit server does: %w", err)
			}
		}
	}
	err := encoder.Close()
	if err == nil && out.Len() == 0 {
		err = errors.New("the rendering is empty")
	}
	return out.Bytes(), err
}

// opened is an object, or the items of a list.
func opened(document []byte) ([]*unstructured.Unstructured, error) {
	object := &unstructured.Unstructured{}
	if err := json.Unmarshal(document, object); err != nil {
		return nil, fmt.Errorf("reading what was sealed: %w", err)
	}
	if !object.IsList() {
		return []*unstructured.Unstructured{object}, nil
	}
	var items []*unstructured.Unstructured
	err := object.EachListItem(func(item runtime.Object) error {
		one, is := item.(*unstructured.Unstructured)
		if !is {
			return errors.New("an item of a list is no object")
		}
		items = append(items, one)
		return nil
	})
	return items, err
}

// committed is what is left of an object on its way through JSON.
func committed(object *unstructured.Unstructured) (map[string]any, error) {
	annotations := object.GetAnnotations()
	for _, name := range tracking() {
		if _, has := annotations[name]; has {
			delete(annotations, name)
			if len(annotations) == 0 {
				annotations = nil
			}
			object.SetAnnotations(annotations)
		}
	}
	again := &unstructured.Unstructured{}
	data, err := json.Marshal(object)
	if err == nil {
		err = json.Unmarshal(data, again)
	}
	return again.Object, err
}
