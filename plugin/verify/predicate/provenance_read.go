package predicate

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

// The predicate types that are read (SLSA provenance v0.2 and v1).
const (
	slsaV1  = "https://slsa.dev/provenance/v1"
	slsaV02 = "https://slsa.dev/provenance/v0.2"
)

// build is what provenance says about a build, in one form for both versions.
// What it does not say is empty.
type build struct {
	builder string
	// source is host and path, without scheme, user and ".git".
	source string
	// sourceURI is as the certificate writes it: "https://github.com/team-a/app".
	sourceURI     string
	revision, ref string
	// workflow is a path in the source repository.
	workflow   string
	event      string
	run        string
	parameters any
	// ended is when the build ended, or began if that is all it says.
	ended time.Time
}

// node is a part of a predicate. Fields are found by their exact names, in the
// types of JSON; encoding/json would also take other spellings.
type node struct{ value any }

func (n node) at(names ...string) node {
	for _, name := range names {
		fields, _ := n.value.(map[string]any)
		n = node{fields[name]}
	}
	return n
}

func (n node) text() string {
	text, _ := n.value.(string)
	return text
}

func (n node) list() []node {
	items, _ := n.value.([]any)
	nodes := make([]node, len(items))
	for i, item := range items {
		nodes[i] = node{item}
	}
	return nodes
}

// readBuild reads the predicate of a verified statement.
func readBuild(statement Statement) (build, error) {
	value, err := Decode(statement.Predicate)
	if err != nil {
		return build{}, errors.New("its predicate cannot be read")
	}
	if _, isObject := value.(map[string]any); !isObject {
		return build{}, errors.New("its predicate is no object")
	}
	var read build
	switch statement.Type {
	case slsaV1:
		read, err = readV1(node{value})
	case slsaV02:
		read, err = readV02(node{value})
	default:
		return build{}, fmt.Errorf("%s is no provenance that is read", statement.Type)
	}
	if err != nil {
		return build{}, err
	}
	if read.builder == "" {
		return build{}, errors.New("it names no builder")
	}
	return read, nil
}

// readV1 reads SLSA provenance v1, by the build types of GitHub Actions (the
// workflow that ran, in externalParameters.workflow) and of
// slsa-github-generator (externalParameters.source).
func readV1(predicate node) (build, error) {
	definition, details := predicate.at("buildDefinition"), predicate.at("runDetails")
	external := definition.at("externalParameters")
	workflow := external.at("workflow")
	read := build{
		builder: details.at("builder", "id").text(), workflow: workflow.at("path").text(),
		event: definition.at("internalParameters", "github", "event_name").text(), run: details.at("metadata", "invocationId").text(),
		parameters: external.value,
	}
	read.event = cmp.Or(read.event, definition.at("internalParameters", "GITHUB_EVENT_NAME").text())
	read.setSource(cmp.Or(workflow.at("repository").text(), external.at("source", "uri").text()))
	read.ref = cmp.Or(workflow.at("ref").text(), read.ref)
	if err := read.setDependency(definition.at("resolvedDependencies").list()); err != nil {
		return build{}, err
	}
	read.revision = cmp.Or(read.revision, gitDigest(external.at("source", "digest")))
	return read, read.setTimes(details.at("metadata", "finishedOn").text(), details.at("metadata", "startedOn").text())
}

// setDependency takes the commit from the resolved dependency that is the
// source; where nothing else names the source, from the only repository among
// them.
func (b *build) setDependency(dependencies []node) error {
	var repositories []node
	for _, dependency := range dependencies {
		if strings.HasPrefix(dependency.at("uri").text(), "git+") {
			repositories = append(repositories, dependency)
		}
	}
	if b.source == "" && len(repositories) == 1 {
		b.setSource(repositories[0].at("uri").text())
	}
	for _, dependency := range repositories {
		of := build{}
		of.setSource(dependency.at("uri").text())
		commit := gitDigest(dependency.at("digest"))
		if of.source != b.source || commit == "" {
			continue
		}
		if b.revision != "" && b.revision != commit {
			return fmt.Errorf("it names two commits of %s: %s and %s", b.source, b.revision, commit)
		}
		b.revision = commit
	}
	return nil
}

// readV02 reads SLSA provenance v0.2.
func readV02(predicate node) (build, error) {
	invocation := predicate.at("invocation")
	config := invocation.at("configSource")
	read := build{
		builder: predicate.at("builder", "id").text(), workflow: config.at("entryPoint").text(),
		event: invocation.at("environment", "github_event_name").text(), run: predicate.at("metadata", "buildInvocationID").text(),
		parameters: invocation.at("parameters").value,
	}
	read.run = cmp.Or(read.run, predicate.at("metadata", "buildInvocationId").text())
	read.setSource(config.at("uri").text())
	read.revision = gitDigest(config.at("digest"))
	if err := read.setDependency(predicate.at("materials").list()); err != nil {
		return build{}, err
	}
	return read, read.setTimes(predicate.at("metadata", "buildFinishedOn").text(), predicate.at("metadata", "buildStartedOn").text())
}

func gitDigest(digest node) string {
	return cmp.Or(digest.at("gitCommit").text(), digest.at("sha1").text())
}

// sourceURI is the address of a repository, as provenance and certificates
// write it: "git+https://github.com/team-a/app@refs/tags/v1".
var sourceURI = regexp.MustCompile(`^(?:git\+)?(?:https?|ssh|git)://(?:[A-Za-z0-9._-]+@)?([A-Za-z0-9.-]+(?::[0-9]+)?(?:/[A-Za-z0-9._~+-]+)+?)(?:\.git)?/?(?:@(.+))?$`)

// setSource reads a repository's address, and the ref behind it. What is none
// leaves the source empty, which no gate accepts that asks for one.
func (b *build) setSource(text string) {
	if text != "" && !strings.Contains(text, "://") && !strings.HasPrefix(text, "git+") {
		text = "https://" + text
	}
	match := sourceURI.FindStringSubmatch(text)
	if match == nil || slices.Contains(strings.Split(match[1], "/"), "..") {
		return
	}
	b.source, b.sourceURI, b.ref = match[1], "https://"+match[1], match[2]
}

func (b *build) setTimes(finished, started string) error {
	text := cmp.Or(finished, started)
	if text == "" {
		return nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return fmt.Errorf("its time %q cannot be read", text)
	}
	b.ended = at.UTC()
	return nil
}

// parameter is one of the values that the build was started with, by its path.
func (b build) parameter(path string) (string, bool) {
	at := node{b.parameters}
	if whole, found := at.value.(map[string]any)[path]; found {
		return scalarText(whole)
	}
	return scalarText(at.at(strings.Split(path, ".")...).value)
}

func scalarText(value any) (string, bool) {
	switch value := value.(type) {
	case string:
		return value, true
	case bool:
		return strconv.FormatBool(value), true
	case int64:
		return strconv.FormatInt(value, 10), true
	case float64:
		text, err := json.Marshal(value)
		return string(text), err == nil
	}
	return "", false
}

// claims are the statement's, with what the provenance proves.
func (b build) claims(of plugin.Claims, level int64) plugin.Claims {
	of.Builder, of.BuildLevel = b.builder, int(level)
	of.SourceRepository, of.SourceRevision, of.SourceRef = b.sourceURI, b.revision, b.ref
	of.Workflow, of.Event, of.RunURI = b.workflow, b.event, b.run
	return of
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
