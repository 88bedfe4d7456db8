package publish

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/assay-gitops/assay/plugin"
)

// stage is how errors of this package name themselves.
const stage = "flux"

// The rules of refusals. RuleContent is what cannot be published, now or later.
const (
	RuleContent = "flux/content"
	ruleOwner   = "flux/owner"
)

// badContent refuses what cannot be an artifact.
func badContent(problem string) error {
	return &plugin.Refusal{
		Rule: RuleContent, Message: "publishing: " + problem,
		Why: "Flux would apply something else than what was judged, or nothing", Hint: "see what the source renders to",
	}
}

// noStorage is no answer: the storage could not be read or written.
func noStorage(doing string, err error) error {
	return &plugin.StageError{
		Stage: stage, Subject: doing, Cause: plainly(err),
		Hint: "give the volume of the controller's storage path more space, and see that it can be written; what was published stays, and it is tried again",
	}
}

var errWrongContent = errors.New("what was written is not what was meant")

// plainly leaves out the names of files, some of which change each time.
func plainly(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return fmt.Errorf("%s: %w", path.Op, path.Err)
	case errors.As(err, &link):
		return fmt.Errorf("%s: %w", link.Op, link.Err)
	}
	return err
}
