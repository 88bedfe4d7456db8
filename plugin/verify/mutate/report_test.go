package mutate

import (
	"fmt"
	"slices"
	"strings"
)

// report is what a run amounts to.
type report struct {
	killed, allowed, hung int
	// problems fail the run: survivors, and exceptions for what is no survivor.
	problems []string
	text     string
}

// judge compares the outcomes with the exceptions: reasons by the mutant's key.
func judge(outcomes []outcome, exceptions map[string]string) report {
	var result report
	var listed []string
	used := map[string]bool{}
	for _, one := range outcomes {
		reason, excepted := exceptions[one.key()]
		switch {
		case one.fate == killed:
			result.killed++
		case one.fate == hung:
			result.hung++
			listed = append(listed, fmt.Sprintf("ended by the deadline: %s", one))
		case one.fate == survived && excepted && reason != "":
			result.allowed++
			used[one.key()] = true
		default:
			result.problems = append(result.problems, fmt.Sprintf("no test notices: %s", one))
		}
	}
	for key := range exceptions {
		if !used[key] {
			result.problems = append(result.problems, fmt.Sprintf("an exception for what is no survivor, or without a reason: %s", key))
		}
	}
	slices.Sort(result.problems)
	listed = append(listed, fmt.Sprintf("%d mutants: %d killed, %d ended by the deadline, %d excepted, %d problems",
		len(outcomes), result.killed, result.hung, result.allowed, len(result.problems)))
	result.text = strings.Join(listed, "\n")
	return result
}
