package predicate

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// provenance asks for SLSA provenance that says how the image was built. One
// statement has to meet all that the gate asks for, and must not say anything
// that its certificate does not bear out.
type provenance struct {
	wanted    gate.Provenance
	builders  []*regexp.Regexp
	sources   []*regexp.Regexp
	refs      []*regexp.Regexp
	workflows []*regexp.Regexp
	versions  *semver.Constraints
}

func provenanceDemand(entry gate.Evidence, _ Terms) (*Named, error) {
	if entry.Provenance == nil {
		return nil, nil //nolint:nilnil // not asked for is an answer
	}
	wanted := *entry.Provenance
	if len(wanted.Builders) == 0 {
		return nil, errors.New("provenance names no builders, so nobody could have built an image")
	}
	made := provenance{wanted: wanted, sources: pathGlobs(wanted.Sources), refs: pathGlobs(wanted.Refs), workflows: pathGlobs(wanted.Workflows)}
	for _, builder := range wanted.Builders {
		made.builders = append(made.builders, gate.CompileGlob(builder.ID))
	}
	if wanted.TagRange != "" {
		versions, err := semver.NewConstraint(wanted.TagRange)
		if err != nil {
			return nil, fmt.Errorf("provenance: tagRange %q: %w", wanted.TagRange, err)
		}
		made.versions = versions
	}
	return &Named{
		Demand: made, Rule: "evidence/provenance", Noun: "provenance",
		Why:  "without provenance nobody can tell from which source, and by what, the image was built",
		Hint: "build it where the gate asks for, with provenance: actions/attest-build-provenance or slsa-github-generator make it; the details name every statement that was looked at",
	}, nil
}

// pathGlobs are globs over texts with slashes, which "*" does not cross.
func pathGlobs(list []string) []*regexp.Regexp {
	var compiled []*regexp.Regexp
	for _, glob := range list {
		compiled = append(compiled, gate.CompileGlob(glob))
	}
	return compiled
}

// Reads implements [Demand].
func (p provenance) Reads(predicateType string) bool {
	return predicateType == slsaV1 || predicateType == slsaV02
}

// Judge implements [Demand].
func (p provenance) Judge(_ context.Context, subject Subject, statements []Statement) Answer {
	var answer Answer
	for _, statement := range statements {
		if !p.Reads(statement.Type) {
			continue
		}
		claims, problems := p.judge(subject, statement)
		if len(problems) == 0 {
			answer.Met = append(answer.Met, claims)
			continue
		}
		answer.Reasons = append(answer.Reasons, statement.Label+": "+strings.Join(problems, "; "))
	}
	return answer
}

// judge looks at one statement, and tells all that is wrong with it.
func (p provenance) judge(subject Subject, statement Statement) (plugin.Claims, []string) {
	build, err := readBuild(statement)
	if err != nil {
		return plugin.Claims{}, []string{err.Error()}
	}
	if lies := build.lies(statement.Certificate); len(lies) > 0 {
		return plugin.Claims{}, lies
	}
	build.complete(statement.Certificate)
	var problems []string
	level := p.level(build.builder)
	switch {
	case level == 0:
		problems = append(problems, fmt.Sprintf("built by %s, want %s", orNobody(build.builder), p.builderIDs()))
	case level < p.wanted.MinLevel:
		problems = append(problems, fmt.Sprintf("%s is trusted for build level %d, want %d", build.builder, level, p.wanted.MinLevel))
	}
	for _, each := range []struct {
		what, got string
		globs     []*regexp.Regexp
		want      []string
	}{
		{"built from", build.source, p.sources, p.wanted.Sources},
		{"built from ref", build.ref, p.refs, p.wanted.Refs},
		{"built by workflow", build.workflow, p.workflows, p.wanted.Workflows},
	} {
		if len(each.globs) > 0 && !matchesAny(each.globs, each.got) {
			problems = append(problems, fmt.Sprintf("%s %s, want %s", each.what, orNobody(each.got), strings.Join(each.want, " or ")))
		}
	}
	if len(p.wanted.Events) > 0 && !slices.Contains(p.wanted.Events, build.event) {
		problems = append(problems, fmt.Sprintf("started by event %s, want %s", orNobody(build.event), strings.Join(p.wanted.Events, " or ")))
	}
	problems = slices.Concat(problems, p.tagProblems(subject, build), p.parameterProblems(build), p.timeProblems(subject.At, build, statement.Claims.Signed))
	return build.claims(statement.Claims, level), problems
}

// level is what the gate trusts the builder for; zero when it does not.
func (p provenance) level(builder string) int64 {
	level := int64(0)
	for i, glob := range p.builders {
		if builder != "" && glob.MatchString(builder) {
			level = max(level, p.wanted.Builders[i].BuildLevel())
		}
	}
	return level
}

func (p provenance) builderIDs() string {
	var list []string
	for _, builder := range p.wanted.Builders {
		list = append(list, builder.ID)
	}
	return strings.Join(list, " or ")
}

func matchesAny(globs []*regexp.Regexp, text string) bool {
	return text != "" && slices.ContainsFunc(globs, func(glob *regexp.Regexp) bool { return glob.MatchString(text) })
}

func orNobody(text string) string {
	if text == "" {
		return "what it does not say"
	}
	return text
}

// tagProblems compares the tag that was built with the range of versions, and
// with the image's tag.
func (p provenance) tagProblems(subject Subject, build build) []string {
	if p.versions == nil && !p.wanted.TagEqualsImageTag {
		return nil
	}
	tag, isTag := strings.CutPrefix(build.ref, "refs/tags/")
	if !isTag {
		return []string{fmt.Sprintf("built from ref %s, want a tag", orNobody(build.ref))}
	}
	var problems []string
	if p.versions != nil {
		version, err := semver.NewVersion(tag)
		if err != nil || !p.versions.Check(version) {
			problems = append(problems, fmt.Sprintf("built from tag %s, want %s", tag, p.wanted.TagRange))
		}
	}
	image := subject.Image.Reference.Tag
	switch {
	case !p.wanted.TagEqualsImageTag:
	case image == "":
		problems = append(problems, fmt.Sprintf("built from tag %s, and the image is written without a tag to compare it with", tag))
	case strings.TrimPrefix(tag, "v") != strings.TrimPrefix(image, "v"):
		problems = append(problems, fmt.Sprintf("built from tag %s, and the image's tag is %s", tag, image))
	}
	return problems
}

func (p provenance) parameterProblems(build build) []string {
	var problems []string
	for _, path := range sortedKeys(p.wanted.Parameters) {
		want := p.wanted.Parameters[path]
		got, found := build.parameter(path)
		switch {
		case !found:
			problems = append(problems, fmt.Sprintf("it has no parameter %s, want %s", path, want))
		case got != want:
			problems = append(problems, fmt.Sprintf("built with %s %s, want %s", path, got, want))
		}
	}
	return problems
}

// timeProblems compares the build's end with the time of the verdict and with
// the proven time of signing, which stands for it where the provenance has none.
func (p provenance) timeProblems(at time.Time, build build, signed time.Time) []string {
	made := build.ended
	switch {
	case made.IsZero() && p.wanted.MaxAge == 0:
		return nil
	case made.IsZero():
		made = signed
	}
	if made.IsZero() {
		return []string{"nothing proves when it was built, and the gate asks for its age"}
	}
	age := terms{what: "it was built", maxAge: time.Duration(p.wanted.MaxAge), at: at, signed: signed}
	if err := age.check(made); err != nil {
		return []string{err.Error()}
	}
	return nil
}
