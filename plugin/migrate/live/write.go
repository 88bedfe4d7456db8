package live

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// Change is an object with a new text.
type Change struct {
	Object Object
	Text   []byte
}

// Write changes objects in the cluster. The API server is asked first whether it
// would take all of them, and nothing is written unless it says yes to each. An
// object that somebody changed since it was read is not written over. The API
// server has no transactions: when it refuses one afterwards, the error says
// which were written.
func (c *Cluster) Write(ctx context.Context, changes []Change) error {
	objects := make([]*unstructured.Unstructured, len(changes))
	var problems []error
	for i, change := range changes {
		var err error
		if objects[i], err = change.made(); err == nil {
			err = c.try(ctx, change.Object, objects[i])
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", change.Object.Name, err))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("asking the API server whether it takes the changes: %w; nothing was written", err)
	}
	for i, change := range changes {
		if _, err := c.client.Resource(change.Object.resource).Namespace(objects[i].GetNamespace()).Update(ctx, objects[i], metav1.UpdateOptions{FieldManager: "assay-migrate"}); err != nil {
			return fmt.Errorf("writing %s: %w; %s", change.Object.Name, err, writtenSoFar(changes[:i], len(changes)-i))
		}
	}
	return nil
}

func writtenSoFar(done []Change, left int) string {
	if len(done) == 0 {
		return "nothing was written"
	}
	var names []string
	for _, each := range done {
		names = append(names, each.Object.Name)
	}
	return fmt.Sprintf("%d are not written, and these are: %s; run it again for the rest", left, strings.Join(names, ", "))
}

// made is the object as it is in the cluster with the new spec.
func (c Change) made() (*unstructured.Unstructured, error) {
	var wanted unstructured.Unstructured
	if err := yaml.Unmarshal(c.Text, &wanted.Object); err != nil {
		return nil, fmt.Errorf("reading its new text: %w", err)
	}
	made := c.Object.object.DeepCopy()
	made.Object["spec"] = wanted.Object["spec"]
	return made, nil
}

// try asks the API server what it would make of an object.
func (c *Cluster) try(ctx context.Context, of Object, object *unstructured.Unstructured) error {
	answer, err := c.client.Resource(of.resource).Namespace(object.GetNamespace()).Update(ctx, object, metav1.UpdateOptions{FieldManager: "assay-migrate", DryRun: []string{metav1.DryRunAll}})
	if err != nil {
		return err //nolint:wrapcheck // the caller names the object
	}
	if !reflect.DeepEqual(normal(answer.Object["spec"]), normal(object.Object["spec"])) {
		return errors.New("the API server would store something else than what was proven")
	}
	return nil
}

// normal is a value as JSON has it: numbers of one kind.
func normal(value any) any {
	var out any
	data, err := yaml.Marshal(value)
	if err == nil {
		err = yaml.Unmarshal(data, &out)
	}
	if err != nil {
		return value
	}
	return out
}
