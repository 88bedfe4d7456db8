package hydrated

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/assay-gitops/assay/plugin"
)

// mostDifferences bounds what is told of one application.
const mostDifferences = 20

// differences say where what was committed is not what the gate makes. Values
// are not shown, but for images: they may be secret.
func differences(want, have []byte) []Problem {
	if bytes.Equal(want, have) {
		return nil
	}
	wanted, err := objectsOf(want)
	if err != nil {
		return []Problem{{Message: "what the gate makes cannot be compared: " + err.Error(), NoAnswer: true}}
	}
	had, err := objectsOf(have)
	if err != nil {
		return []Problem{{Message: manifestFile + " cannot be read: " + err.Error(), Hint: whoPushed}}
	}
	var told []Problem
	for _, each := range wanted {
		at := slices.IndexFunc(had, func(other plugin.Object) bool { return other.ID() == each.ID() })
		if at < 0 {
			told = append(told, Problem{Message: each.ID().String() + " is missing in the branch", Hint: whoPushed})
			continue
		}
		if field, before, now := differing("", each.Fields, had[at].Fields); field != "" {
			told = append(told, changed(each.ID().String(), field, before, now))
		}
		had = slices.Delete(had, at, at+1)
	}
	for _, each := range had {
		told = append(told, Problem{Message: each.ID().String() + " is in the branch, and the gate makes none", Hint: whoPushed})
	}
	if len(told) > mostDifferences {
		told = append(told[:mostDifferences], Problem{Message: fmt.Sprintf("and %d differences more", len(told)-mostDifferences)})
	}
	if len(told) == 0 {
		line := bytes.Count(want[:common(want, have)], []byte("\n")) + 1
		told = []Problem{{Message: fmt.Sprintf("line %d of %s is not written as the hydrator writes it, though it says the same", line, manifestFile), Hint: whoPushed}}
	}
	return told
}

const whoPushed = "find out who pushed to the branch; a commit to the dry branch hydrates it anew"

func common(a, b []byte) int {
	at := 0
	for at < len(a) && at < len(b) && a[at] == b[at] {
		at++
	}
	return at
}

// changed tells of one field. Of two images that differ in nothing but the
// digest a tag that moved may be the cause.
func changed(object, field string, want, have any) Problem {
	wanted, isText := want.(string)
	had, wasText := have.(string)
	if !isText || !wasText || !strings.HasSuffix(field, "image") {
		return Problem{Message: object + " differs at " + field, Hint: whoPushed}
	}
	problem := Problem{Message: fmt.Sprintf("%s has the image %.300s at %s, and the gate makes it %.300s", object, had, field, wanted), Hint: whoPushed}
	before, _, _ := strings.Cut(had, "@")
	now, _, pinned := strings.Cut(wanted, "@")
	if pinned && before == now {
		problem.Hint = "the tag moved since, or somebody pushed to the branch: what images.lock.yaml pins stays provable; " + whoPushed
	}
	return problem
}

// differing is the first field that two values differ at, and both values;
// empty for none.
func differing(at string, want, have any) (field string, wanted, had any) {
	switch want := want.(type) {
	case map[string]any:
		other, is := have.(map[string]any)
		if !is {
			break
		}
		for _, name := range keysOf(want, other) {
			if field, wanted, had = differing(plugin.JoinField(at, name), want[name], other[name]); field != "" {
				return field, wanted, had
			}
			if _, here := want[name]; !here || !contains(other, name) {
				return plugin.JoinField(at, name), want[name], other[name]
			}
		}
		return "", nil, nil
	case []any:
		other, is := have.([]any)
		if !is || len(other) != len(want) {
			break
		}
		for i := range want {
			if field, wanted, had = differing(fmt.Sprintf("%s[%d]", at, i), want[i], other[i]); field != "" {
				return field, wanted, had
			}
		}
		return "", nil, nil
	}
	if reflect.DeepEqual(want, have) {
		return "", nil, nil
	}
	return at, want, have
}

func contains(fields map[string]any, name string) bool {
	_, has := fields[name]
	return has
}

func keysOf(one, other map[string]any) []string {
	var names []string
	for _, fields := range []map[string]any{one, other} {
		for name := range fields {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// objectsOf reads the documents of a manifest.
func objectsOf(data []byte) ([]plugin.Object, error) {
	var objects []plugin.Object
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var value any
		err := decoder.Decode(&value)
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, fmt.Errorf("document %d: %w", len(objects)+1, err)
		}
		text, err := json.Marshal(value) // numbers as both sides have them then
		if err != nil {
			return nil, fmt.Errorf("document %d is no object of Kubernetes", len(objects)+1)
		}
		var fields map[string]any
		if err := json.Unmarshal(text, &fields); err != nil || fields == nil {
			return nil, fmt.Errorf("document %d is no object of Kubernetes", len(objects)+1)
		}
		objects = append(objects, plugin.Object{Fields: fields})
	}
}
