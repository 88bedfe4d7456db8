package mutate

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/assay-gitops/assay/plugin"
)

// examination is one object that the policies are asked about.
type examination struct {
	*run
	reading
	// object is as it was rendered; written are its fields with what was changed
	// so far.
	object  plugin.Object
	written map[string]any
	// current is the copy that policies see and change.
	current runtime.Object
	again   reinvocation
	// changedBy are the names of the policies that changed it, in order.
	changedBy []string
	changes   []plugin.Finding
	// said is everything else; refused is set when it must not be handed on.
	said    []plugin.Finding
	refused bool
}

// admit asks the policies as the API server does: once, and those that ask for
// it once more when something changed after them (k8s.io/apiserver
// pkg/admission, reinvoker). It reports whether any policy is about the object.
func (e *examination) admit(ctx context.Context, policies []*boundPolicy) bool {
	current, err := e.receive(e.written)
	if err != nil {
		return false // the judge says that it cannot be read
	}
	e.current = current
	concerned := e.dispatch(ctx, policies)
	if concerned && e.again.needed && !e.refused {
		e.again.second = true
		e.admitAgain()
		e.dispatch(ctx, policies)
	}
	return concerned
}

// admitAgain runs the server's own plugins a second time. What they change, too,
// makes policies be asked again.
func (e *examination) admitAgain() {
	before := e.current.DeepCopyObject()
	e.reading.admit(e.current)
	if !equal(before, e.current) {
		e.again.all()
	}
}

// result is the object as it is handed on, and what is said of it.
func (e *examination) result(ctx context.Context, policies []*boundPolicy) (plugin.Object, []plugin.Finding) {
	if !e.refused && len(e.changedBy) > 0 {
		e.settle()
	}
	if e.refused || len(e.changedBy) == 0 {
		return e.object, e.said
	}
	e.unstable(ctx, policies)
	return plugin.Object{Fields: e.written, Origin: e.object.Origin}, append(e.said, e.changes...)
}

// settle makes sure that what is handed on becomes, in the API server's hands,
// what the policies made: the same object with the same defaults.
func (e *examination) settle() {
	e.reading.admit(e.current)
	for range 2 {
		received, err := e.receive(e.written)
		if err == nil && equal(received, e.current) {
			return
		}
		if err != nil {
			break
		}
		before, err := fieldsOf(received)
		if err != nil {
			break
		}
		after, err := fieldsOf(e.current)
		if err != nil {
			break
		}
		e.write(carrier{whole: true}, before, after)
	}
	e.refuse(plugin.Finding{
		Rule: rulePrefix + e.changedBy[0], Message: "what the policies change cannot be written into the object as it was rendered",
		Hint: "write the changed fields into the source, so that the policies have nothing to change",
	})
}

// write carries a change over to what is handed on.
func (e *examination) write(by carrier, before, after map[string]any) {
	written, ok := by.carry(e.written, before, after).(map[string]any)
	if !ok {
		return
	}
	withoutStrings(written, e.current)
	e.written = written
}

// unstable warns of policies that change what they have changed, and of those
// that make different objects in another order: the API server asks in no
// particular one.
func (e *examination) unstable(ctx context.Context, policies []*boundPolicy) {
	once := plugin.Object{Fields: e.written, Origin: e.object.Origin}
	repeated := e.examine(once, e.kind, e.place)
	repeated.admit(ctx, policies)
	for _, name := range slices.Compact(slices.Sorted(slices.Values(repeated.changedBy))) {
		if repeated.refused || same(repeated.written, e.written) {
			break
		}
		e.say(plugin.Finding{
			Rule: rulePrefix + name, Level: plugin.Warn, Message: fmt.Sprintf("policy %q changes again what it has changed", name),
			Why:  "in the cluster it changes what was handed on, so the object there differs from Git",
			Hint: "write the policy so that it leaves alone what it has changed",
		})
	}
	if names := slices.Compact(slices.Sorted(slices.Values(e.changedBy))); len(names) > 1 {
		backwards := slices.Clone(policies)
		slices.Reverse(backwards)
		other := e.examine(e.object, e.kind, e.place)
		other.admit(ctx, backwards)
		if !other.refused && !equal(other.current, e.current) {
			e.say(plugin.Finding{
				Rule: rulePrefix + names[0], Level: plugin.Warn, Message: fmt.Sprintf("what the object becomes depends on the order of the policies %q", names),
				Why:  "the API server asks policies in no particular order; here they are asked by name",
				Hint: "let one policy do what belongs together, or set reinvocationPolicy: IfNeeded",
			})
		}
	}
}

// say adds a finding about the object, once.
func (e *examination) say(finding plugin.Finding) {
	finding.Object, finding.Origin = e.object.ID(), e.object.Origin
	known := slices.ContainsFunc(e.said, func(other plugin.Finding) bool {
		return other.Rule == finding.Rule && other.Message == finding.Message && other.Level == finding.Level
	})
	if !known {
		e.said = append(e.said, finding)
	}
}

// refuse keeps the object from being handed on as changed.
func (e *examination) refuse(finding plugin.Finding) {
	finding.Level, e.refused = plugin.Deny, true
	e.say(finding)
}
