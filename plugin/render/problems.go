package render

import (
	"errors"
	"fmt"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// maxProblems bounds what one rendering says is wrong with its files.
const maxProblems = 100

// problems are what is wrong with several files or documents, to be told at
// once.
type problems struct{ list []error }

// add reports whether the next one should be looked at: not when nobody waits
// any more, and not behind a limit.
func (p *problems) add(err error) bool {
	if err == nil {
		return true
	}
	parts := []error{err}
	if joined, is := err.(interface{ Unwrap() []error }); is {
		parts = joined.Unwrap()
	}
	for _, part := range parts {
		p.list = append(p.list, part)
		var refusal *plugin.Refusal
		if !errors.As(part, &refusal) || refusal.Rule == ruleLimit || len(p.list) >= maxProblems {
			return false
		}
	}
	return true
}

// err is nil, the one problem, or all of them joined.
func (p *problems) err() error {
	switch len(p.list) {
	case 0:
		return nil
	case 1:
		return p.list[0]
	}
	return errors.Join(p.list...)
}

// ofStandardInput writes the lines into the messages: there is no file to name
// them with.
func ofStandardInput(err error) error {
	var problems problems
	problems.add(err)
	for i, problem := range problems.list {
		var refusal *plugin.Refusal
		if errors.As(problem, &refusal) && refusal.Origin.File == "" && refusal.Origin.Line > 0 {
			told := *refusal
			told.Message = fmt.Sprintf("line %d: %s", told.Origin.Line, told.Message)
			told.Hint = strings.Replace(told.Hint, "fix the file and render it again", "mend what is piped in", 1)
			problems.list[i] = &told
		}
	}
	return problems.err()
}
