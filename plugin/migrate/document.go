package migrate

import (
	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/report"
)

// Schema names the form of the JSON report. A change that an old reader would
// get wrong raises its number.
const Schema = "assay.dev/migrate/v1"

// Document is the report for programs. Its JSON schema is
// docs/schema/migrate.json.
type Document struct {
	// Schema is "assay.dev/migrate/v1".
	Schema string `json:"schema"`
	// Files are those in which something is to be done, or cannot be; of a cluster
	// they are its objects.
	Files []DocumentFile `json:"files"`
	// Counts are complete.
	Counts DocumentCounts `json:"counts"`
	// Additions are what assay adds to each source that is proven. They are no part
	// of the proof.
	Additions []DocumentAddition `json:"additions"`
}

// DocumentCounts sums up.
type DocumentCounts struct {
	// Files is how many files have something to be done, and Writable how many of
	// them may be written.
	Files    int `json:"files"`
	Writable int `json:"writable"`
	// Proven, Unproven, Different and Refused count sources and what is told of
	// them.
	Proven    int `json:"proven"`
	Unproven  int `json:"unproven"`
	Different int `json:"different"`
	Refused   int `json:"refused"`
	// Renderings is how often a source was rendered for the proof.
	Renderings int `json:"renderings"`
}

// DocumentFile is one file, or one object of a cluster.
type DocumentFile struct {
	// Path is relative to the repository's folder; of an object of a cluster it is
	// its kind, namespace and name.
	Path string `json:"path"`
	// Writable says that it may be written, Written that it was.
	Writable bool `json:"writable"`
	Written  bool `json:"written"`
	// Sources is how many sources are rewritten, Proven how many, of sets those of
	// each Application, render to the same objects.
	Sources int `json:"sources"`
	Proven  int `json:"proven"`
	// Refused cannot be carried over; Different renders to something else;
	// Unproven could not be compared; Varies is another value each time that it is
	// rendered, as it was written, too.
	Refused   []DocumentProblem `json:"refused"`
	Different []DocumentProblem `json:"different"`
	Unproven  []DocumentProblem `json:"unproven"`
	Varies    []DocumentProblem `json:"varies"`
}

// DocumentProblem is something that stands in the way.
type DocumentProblem struct {
	// Origin is the file and the line, as far as it is known.
	Origin plugin.Origin `json:"origin,omitzero"`
	// Field is the place in the object, or the Application.
	Field  string `json:"field,omitempty"`
	Reason string `json:"reason"`
	Hint   string `json:"hint,omitempty"`
}

// DocumentAddition is what assay adds to one source.
type DocumentAddition struct {
	// Application is its namespace and name, Origin where it is defined, and Path
	// the folder or the chart of the source.
	Application string        `json:"application"`
	Origin      plugin.Origin `json:"origin,omitzero"`
	Path        string        `json:"path"`
	// Outcome is the gate's answer; absent where no gate was asked.
	Outcome *plugin.Outcome `json:"outcome,omitempty"`
	// Images are those of the source, with digests where a gate was asked.
	Images []report.Image `json:"images"`
	// Changes are what the source's author did not write: filled in by assay
	// (harden/) or changed by the platform's policies (mutate/).
	Changes []plugin.Finding `json:"changes"`
	// HeldBack is what is not filled in, as it would break something.
	HeldBack []plugin.Finding `json:"heldBack"`
	// Blocking is what the gate denies, and what it has no answer to.
	Blocking []plugin.Finding `json:"blocking"`
}

// Asked is what a run was asked to do.
type Asked struct {
	// Written says that what may be written was.
	Written bool
	// Unproven says that what could not be compared may be written.
	Unproven bool
	// Judged says that a gate was asked.
	Judged bool
}

// DocumentOf is the report of a run.
func DocumentOf(result Result, asked Asked) Document {
	document := Document{Schema: Schema, Files: []DocumentFile{}, Additions: []DocumentAddition{}}
	document.Counts.Renderings = result.Renderings
	for _, file := range result.Files {
		one := DocumentFile{
			Path: file.Path, Writable: file.MayWrite(asked.Unproven), Sources: file.Sources, Proven: file.Proven,
			Refused: problems(file.Refused), Different: problems(file.Different), Unproven: problems(file.Unproven), Varies: problems(file.Varies),
		}
		one.Written = one.Writable && asked.Written
		document.Files = append(document.Files, one)
		document.Counts.add(one)
	}
	for _, each := range result.Hardened {
		document.Additions = append(document.Additions, additionOf(each, asked))
	}
	return document
}

func (c *DocumentCounts) add(file DocumentFile) {
	c.Files++
	if file.Writable {
		c.Writable++
	}
	c.Proven += file.Proven
	c.Unproven += len(file.Unproven)
	c.Different += len(file.Different)
	c.Refused += len(file.Refused)
}

func problems(found []Problem) []DocumentProblem {
	out := []DocumentProblem{}
	for _, each := range found {
		out = append(out, DocumentProblem{each.Where, each.Field, each.Reason, each.Hint})
	}
	return out
}

func additionOf(each Hardened, asked Asked) DocumentAddition {
	addition := DocumentAddition{Application: each.Application, Origin: each.Origin, Path: each.Path, Images: report.Images(each.Verdict), Blocking: []plugin.Finding{}}
	addition.Changes, addition.HeldBack = report.Added(each.Verdict)
	for _, finding := range each.Verdict.Findings {
		if finding.Level.Blocks() {
			addition.Blocking = append(addition.Blocking, finding)
		}
	}
	if outcome := each.Verdict.Outcome(); asked.Judged {
		addition.Outcome = &outcome
	}
	return addition
}
