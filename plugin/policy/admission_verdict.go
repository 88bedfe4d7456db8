package policy

import (
	"context"
	"slices"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apiserver/pkg/admission"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
)

// source is a binding that makes a policy speak, and the param that it was
// asked with, if any.
type source struct {
	binding *bindingFile
	param   *apiserver.Param
}

func (s source) withParam() string {
	if s.param == nil {
		return ""
	}
	return " with " + s.param.String()
}

// said is one thing that a policy says against a subject, and by which bindings
// and params.
type said struct {
	failure
	by []source
	// of are the operations about which it is said.
	of []admission.Operation
}

// level is the strictest action of the bindings. What is wrong with the
// configuration, and an audit annotation that cannot be evaluated, deny whatever
// the actions are (policy/validating, Dispatch); an error passes under
// failurePolicy Ignore.
func (s said) level(ignore bool) plugin.Level {
	switch {
	case s.erred && ignore:
		return max(plugin.Warn, bindingLevel(s.by))
	case s.config:
		return plugin.Deny
	}
	return bindingLevel(s.by)
}

// bindingLevel is the strictest action of the bindings.
func bindingLevel(by []source) plugin.Level {
	level := plugin.Info // Audit: recorded, and let in
	for _, from := range by {
		for _, action := range from.binding.Spec.ValidationActions {
			switch action {
			case admissionv1.Audit:
			case admissionv1.Warn:
				level = min(level, plugin.Warn)
			default:
				level = plugin.Deny
			}
		}
	}
	return level
}

// question is what an answer of a policy about one subject may depend on.
type question struct {
	operation admission.Operation
	version   string
	param     *apiserver.Param
}

// verdicts collects what one policy says of one subject.
type verdicts struct {
	said []said
	// evaluated are the answers so far: bindings share them.
	evaluated map[question][]failure
}

// of evaluates once for each question. An answer that does not read the
// operation is the same for both.
func (v *verdicts) of(ctx context.Context, run evaluation, asked question) []failure {
	request, err := run.subject.requestAs(asked.operation, asked.version)
	if err != nil {
		return []failure{{message: "failed to convert object version: " + err.Error(), erred: true, config: true}}
	}
	run.request = request
	if !run.policy.operationMatters && run.subject.old == nil { // else an update is of another object
		asked.operation = ""
	}
	answer, known := v.evaluated[asked]
	if !known {
		if asked.param != nil {
			run.params = asked.param.Object
		}
		answer = run.run(ctx)
		v.evaluated[asked] = answer
	}
	return answer
}

// add joins what several bindings or params say alike. What is certain, and at
// least as strict, makes the same uncertainty needless.
func (v *verdicts) add(each said) {
	for i := range v.said {
		other := &v.said[i]
		if other.message != each.message || other.erred != each.erred || other.config != each.config {
			continue
		}
		known, otherKnown := len(each.unknown) == 0, len(other.unknown) == 0
		switch {
		case known == otherKnown:
			other.by, other.of = appendMissing(other.by, each.by), appendMissing(other.of, each.of)
			other.unknown = appendMissing(other.unknown, each.unknown)
			return
		case known && bindingLevel(each.by) <= bindingLevel(other.by):
			*other = each
			return
		case otherKnown && bindingLevel(other.by) <= bindingLevel(each.by):
			return
		}
	}
	v.said = append(v.said, each)
}

// addUpdate says that an update cannot be decided, unless the creation fails
// already at that level: then that is not said of the creation alone.
func (v *verdicts) addUpdate(each said) {
	failed := slices.IndexFunc(v.said, func(other said) bool {
		return other.message != undecidedUpdate && bindingLevel(other.by) <= bindingLevel(each.by)
	})
	if failed < 0 {
		v.add(each)
		return
	}
	for i := failed; i < len(v.said); i++ {
		v.said[i].of = appendMissing(v.said[i].of, each.of)
	}
}

func appendMissing[T comparable](list, more []T) []T {
	for _, each := range more {
		if !slices.Contains(list, each) {
			list = append(list, each)
		}
	}
	return list
}

// operationDetail tells what is said of one operation alone. A sync performs
// both, the one or the other.
func operationDetail(operation admission.Operation) string {
	if operation == admission.Update {
		return "said of an update, when the object is there already"
	}
	return "said of the creation, when the object is not there yet"
}
