package policy

import (
	"cmp"
	"slices"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
)

// kyvernoUnknown is one thing that a policy may read and that nobody knows
// before the sync. It stands in the evaluation as CEL's own unknown value,
// which goes through every operator: "a || unknown" is true where a is. So an
// answer is indeterminate only when it depends on what is not known.
type kyvernoUnknown int

const (
	unknownResource kyvernoUnknown = iota
	unknownGlobalContext
	unknownHTTP
	unknownImageData
	unknownRandom
	unknownOldObject
	unknownUser
	unknownNamespace
	unknownNamespaceObject
	unknownName
	unknownAnnotations
)

const nameless = "something that is not known offline"

// String says what it is and why it is not known.
func (u kyvernoUnknown) String() string {
	switch u {
	case unknownResource:
		return "resource (objects in the cluster)"
	case unknownGlobalContext:
		return "globalContext (what the cluster keeps)"
	case unknownHTTP:
		return "http (an answer from the network)"
	case unknownImageData:
		return "image.GetMetadata (the registry's own data)"
	case unknownRandom:
		return "random (it is another value in every run)"
	case unknownOldObject:
		return "oldObject (the object as it is in the cluster)"
	case unknownUser:
		return "request.userInfo (who will apply it)"
	case unknownNamespace:
		return "the destination namespace (it was not given)"
	case unknownNamespaceObject:
		return "namespaceObject (the gate does not describe the namespace under spec.namespaces)"
	case unknownName:
		return "object.metadata.name (the cluster makes it up for a Pod of a workload)"
	case unknownAnnotations:
		return "namespaceObject.metadata.annotations (a gate describes a namespace's labels only)"
	}
	return nameless
}

// value is the unknown in CEL's terms.
func (u kyvernoUnknown) value() ref.Val { return u.because(u.String()) }

// because is the unknown with a text of its own.
func (u kyvernoUnknown) because(text string) ref.Val {
	return types.NewUnknown(int64(u)+1, types.NewAttributeTrail(text))
}

// unknownsOf names what a result depends on; nil when it is a result.
func unknownsOf(value ref.Val) []string {
	unknown, is := value.(*types.Unknown)
	if !is {
		return nil
	}
	names := []string{}
	for _, id := range unknown.IDs() {
		trails, _ := unknown.GetAttributeTrails(id)
		for _, trail := range trails {
			if name := cmp.Or(trail.Variable(), nameless); !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	if len(names) == 0 {
		names = append(names, nameless)
	}
	return names
}
