package revision

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/assay-gitops/assay/plugin"
)

// stage is how errors of this package name themselves.
const stage = "revision"

// UsageError is a request that names what is not there, or what cannot be
// compared: the command line is wrong.
type UsageError struct {
	// Problem says what, and Hint what to write instead.
	Problem, Hint string
}

func (e *UsageError) Error() string {
	if e.Hint == "" {
		return e.Problem
	}
	return e.Problem + "; " + e.Hint
}

// noAnswer is a side that could not be looked at.
func noAnswer(subject, hint string, cause error) error {
	return &plugin.StageError{Stage: stage, Subject: subject, Cause: cause, Hint: hint}
}

// refused is a side that cannot be opened until somebody changes it.
func refused(side, problem, hint string) error {
	return &plugin.StageError{Stage: stage, Subject: "opening " + side, Cause: errors.New(problem), Hint: hint, Lasting: true}
}

// badEntry refuses a tree for one of its entries. Git checks no such entry out,
// so that nothing could deploy the tree.
func badEntry(side, name, problem string) error {
	return refused(side, fmt.Sprintf("%.200q %s, and git checks no such tree out", name, problem), "take it out of the repository, or rename it; git fsck lists such entries")
}

func overLimit(side, limit string, most int64) error {
	return refused(side, fmt.Sprintf("it is beyond the limit %s of %d", limit, most),
		"raise the limit in the gate (spec.limits."+limit+"), or compare a repository that holds the deployment alone")
}

// errCramped says that the trees do not fit into memory; they fit on disk.
var errCramped = errors.New("the folder in memory is full")

// noDisk is a temporary folder that cannot be written.
func noDisk(err error) error {
	return noAnswer("keeping the trees in "+os.TempDir(), "give that folder more space, or set TMPDIR to another", plainly(err))
}

// plainly leaves out the file that an error of the system names: it is a made-up
// one.
func plainly(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}
