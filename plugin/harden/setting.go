package harden

import (
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// setting is one default of containers.
type setting struct {
	// name is the rule's: harden/<name>.
	name string
	// path is the field below the container. New makes the same of it as text and
	// as steps.
	path  []string
	field string
	steps []any
	// why is the reason of the change.
	why string
	// isSet reports whether the author decided about it.
	isSet func(*container) bool
	// decide looks at a container that does not have the field.
	decide func(*container) decision
	// readsUser is set when the number of the image's user decides.
	readsUser bool
}

// spell makes of the path what is written for each container.
func (s *setting) spell() {
	s.field, s.steps = strings.Join(s.path, "."), nil
	for _, name := range s.path {
		s.steps = append(s.steps, name)
	}
}

// inContext is the field's name, when it stands in the securityContext.
func (s setting) inContext() (string, bool) {
	return s.path[len(s.path)-1], len(s.path) == 2 && s.path[0] == "securityContext"
}

// podSetting is one default of Pods; the field has the rule's name.
type podSetting struct {
	name, why string
	decide    func(*pod) decision
}

// setSetting looks at the whole rendering, and may add objects to it.
type setSetting func(*surroundings, []plugin.Object) ([]plugin.Object, []plugin.Finding)

// decision is what to do about one field. The zero value leaves it alone
// without a word.
type decision struct {
	// value is set unless heldBack is.
	value any
	// beside are further changes that the value needs, and notes say them.
	beside []edit
	notes  []string
	// heldBack says what would have broken, hint what to write.
	heldBack, hint string
	level          plugin.Level
}

// silent reports whether there is nothing to say.
func (d decision) silent() bool { return d.value == nil && d.heldBack == "" }

// subject is one field, for findings.
type subject struct {
	plugin.Finding
	// container is nil for the Pod; field is how messages name the field.
	container *container
	field     string
	rule, why string
	was       any
}

func (s subject) heldBack(decided decision) plugin.Finding {
	finding := s.Finding
	finding.Rule, finding.Level = ruleHeldBack, decided.level
	finding.Message = s.field + " was not filled in: " + decided.heldBack
	if s.container != nil {
		finding.Message = s.container.called() + ": " + finding.Message
	}
	finding.Hint = decided.hint
	return finding
}

// changed says that the field is filled in.
func (s subject) changed(decided decision) plugin.Finding {
	finding := s.Finding
	finding.Rule, finding.Why = rulePrefix+s.rule, s.why
	finding.Was, finding.Now = plugin.Compact(s.was), plugin.Compact(decided.value)
	finding.Message = s.field + " filled in"
	finding.Hint = "write the field to decide it yourself"
	finding.Details = decided.notes
	return finding
}
