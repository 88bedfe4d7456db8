package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
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
	var problems []error
	for _, change := range changes {
		if err := c.try(ctx, change); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", change.Object.Name, err))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("asking the API server whether it takes the changes: %w; nothing was written", err)
	}
	for i, change := range changes {
		if _, err := c.patch(ctx, change); err != nil {
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

// spec is the new one.
func (c Change) spec() (any, error) {
	var wanted map[string]any
	if err := yaml.Unmarshal(c.Text, &wanted); err != nil {
		return nil, fmt.Errorf("reading its new text: %w", err)
	}
	return wanted["spec"], nil
}

// patch replaces the spec, if it is still what was read (RFC 6902, test). Argo CD
// writes the status of the same object all the time.
func (c *Cluster) patch(ctx context.Context, change Change, dryRun ...string) (*unstructured.Unstructured, error) {
	spec, err := change.spec()
	if err != nil {
		return nil, err
	}
	patch, err := json.Marshal([]map[string]any{
		{"op": "test", "path": "/spec", "value": change.Object.object.Object["spec"]}, {"op": "replace", "path": "/spec", "value": spec},
	})
	if err != nil {
		return nil, fmt.Errorf("writing the change: %w", err)
	}
	of := change.Object
	return c.client.Resource(of.resource).Namespace(of.object.GetNamespace()).
		Patch(ctx, of.object.GetName(), types.JSONPatchType, patch, metav1.PatchOptions{FieldManager: "assay-migrate", DryRun: dryRun}) //nolint:wrapcheck // the caller names the object
}

// try asks the API server what it would make of a change.
func (c *Cluster) try(ctx context.Context, change Change) error {
	answer, err := c.patch(ctx, change, metav1.DryRunAll)
	if err != nil {
		return err
	}
	spec, err := change.spec()
	if err == nil && !reflect.DeepEqual(normal(answer.Object["spec"]), normal(spec)) {
		err = errors.New("the API server would store something else than what was proven")
	}
	return err
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
