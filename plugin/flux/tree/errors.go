package tree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/assay-gitops/assay/plugin"
)

// stage is how errors of this package name themselves.
const stage = "flux"

// The rules of refusals.
const (
	ruleArtifact = "flux/artifact"
	ruleArchive  = "flux/archive"
	ruleLimit    = "flux/limit"
)

// leaveOut says what the owner of a source can do about one entry.
const leaveOut = "take it out of the source, or leave it out of the artifact with the source's spec.ignore or a .sourceignore file"

func badArtifact(problem, hint string) error {
	return &plugin.Refusal{
		Rule: ruleArtifact, Message: "using the source's artifact: " + problem,
		Why: "only bytes whose digest the source names can be judged", Hint: hint,
	}
}

// badEntry refuses an archive for one of its entries.
func badEntry(name, problem string) error {
	return &plugin.Refusal{
		Rule: ruleArchive, Message: fmt.Sprintf("unpacking the source's artifact: %.200q %s", name, problem),
		Why: "an archive that reaches out of its folder, or that two programs read differently, cannot be judged", Hint: leaveOut,
	}
}

// badArchive refuses an archive as a whole. Its digest was right, so that
// fetching it again changes nothing.
func badArchive(problem string, cause error) error {
	return &plugin.Refusal{
		Rule: ruleArchive, Message: "unpacking the source's artifact: " + problem, Cause: cause,
		Why: "an archive that cannot be read whole cannot be judged", Hint: "look at what makes this artifact; Flux's sources are tar archives compressed by gzip",
	}
}

func overLimit(what string) error {
	return &plugin.Refusal{
		Rule: ruleLimit, Message: "the source's artifact has more than " + what,
		Why:  "an artifact without a bound fills the disk for everybody",
		Hint: "leave out what is not rendered with the source's spec.ignore or a .sourceignore file, or split the source",
	}
}

// noAnswer is an artifact that could not be had.
func noAnswer(address string, cause error, hint string) error {
	return &plugin.StageError{Stage: stage, Subject: "fetching the source's artifact " + address, Cause: cause, Hint: hint}
}

// stopped is a caller or a deadline that ended the work.
func stopped(address string, cause error) error {
	hint := "it is asked for again at the next reconciliation"
	if errors.Is(cause, context.DeadlineExceeded) {
		hint = "see whether the source controller's file server is slow or cannot be reached, and whether a NetworkPolicy is in the way; it is asked for again"
	}
	return noAnswer(address, cause, hint)
}

// noDisk is no answer: the store's folder cannot be written.
func noDisk(err error) error {
	return &plugin.StageError{
		Stage: stage, Subject: "keeping the source's artifact on disk", Cause: plainly(err),
		Hint: "give the volume of the controller's storage path more space, and see that it can be written; it is tried again",
	}
}

var (
	errNoRoom = errors.New("artifacts that are in use fill the store")
	errClosed = errors.New("the controller is stopping")
)

// plainly leaves out the file that an error of the system names: names in the
// store are made up, and a message that changes each time hides that nothing
// changed.
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

// isDisk reports whether the system said it, and not the archive: names are
// checked before they are used, so that what is left is the disk's fault.
func isDisk(err error) bool {
	var path *fs.PathError
	var link *os.LinkError
	var number syscall.Errno
	return errors.As(err, &path) || errors.As(err, &link) || errors.As(err, &number) || errors.Is(err, errNoRoom)
}
