package predicate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// The values of [Description.Kind].
const (
	KindProvenance = "provenance"
	KindSBOM       = "sbom"
	KindScan       = "scan"
	KindVEX        = "vex"
	KindOther      = "other"
)

// Description is what a verified statement says, for people. It decides
// nothing.
type Description struct {
	// Kind is one of the Kind constants.
	Kind string `json:"kind"`
	// Facts are in the order in which they are told; what the statement does not
	// say is left out.
	Facts []Fact `json:"facts,omitempty"`
}

// Fact is one thing that a statement says.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func (d *Description) add(name, value string) {
	if value != "" {
		d.Facts = append(d.Facts, Fact{name, shorten(value)})
	}
}

func (d *Description) addTime(name string, at time.Time) {
	if !at.IsZero() {
		d.add(name, stamp(at))
	}
}

// Describe reads a verified statement. One that cannot be read is described by
// why.
func Describe(statement Statement, limits plugin.Limits) Description {
	described, err := describe(statement, reader{limits})
	if err != nil {
		described.add("unreadable", err.Error())
	}
	return described
}

func describe(statement Statement, r reader) (Description, error) {
	switch {
	case statement.Type == slsaV1, statement.Type == slsaV02:
		return describeBuild(statement)
	case billFormat(statement.Type) != nil:
		return describeBill(statement, r)
	case scanFormat(statement.Type) != nil:
		return describeScan(statement, r)
	case isVEX(statement.Type):
		return describeVEX(statement, r)
	}
	return Description{Kind: KindOther}, nil
}

// describeBuild tells of a build. What the certificate does not bear out is told
// before anything else.
func describeBuild(statement Statement) (Description, error) {
	told := Description{Kind: KindProvenance}
	read, err := readBuild(statement)
	if err != nil {
		return told, err
	}
	if statement.Certificate != nil {
		for _, lie := range read.lies(statement.Certificate) {
			told.add("contradiction", lie)
		}
		read.complete(statement.Certificate)
	}
	told.add("builder", read.builder)
	told.add("source", read.sourceURI)
	told.add("revision", read.revision)
	told.add("ref", read.ref)
	told.add("workflow", read.workflow)
	told.add("event", read.event)
	told.add("run", read.run)
	told.addTime("built", read.ended)
	return told, nil
}

func describeBill(statement Statement, r reader) (Description, error) {
	told := Description{Kind: KindSBOM}
	found, err := r.readBill(statement)
	if err != nil {
		return told, err
	}
	told.add("components", fmt.Sprint(len(found.components)))
	told.addTime("made", found.made)
	told.add("makers", strings.Join(found.makers, ", "))
	return told, nil
}

func describeScan(statement Statement, r reader) (Description, error) {
	told := Description{Kind: KindScan}
	found, err := r.readScan(statement)
	if err != nil {
		return told, err
	}
	told.add("scanner", strings.TrimSpace(found.scanner+" "+found.version))
	told.addTime("scanned", found.ended)
	told.addTime("database", found.database)
	told.add("found", countSeverities(found.found))
	return told, nil
}

// countSeverities is "1 CRITICAL, 3 LOW", the worst first, or "nothing".
func countSeverities(found []vulnerability) string {
	var parts []string
	for _, severity := range append(gate.Severities(), severityUnknown) {
		count := 0
		for _, each := range found {
			if each.severity == severity {
				count++
			}
		}
		if count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count, severity))
		}
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}

func describeVEX(statement Statement, r reader) (Description, error) {
	told := Description{Kind: KindVEX}
	document, err := r.unwrap(statement.Predicate)
	if err != nil {
		return told, err
	}
	var read vexDocument
	if err := r.read(document, &read); err != nil {
		return told, err
	}
	told.add("author", read.Author)
	told.add("written", read.Timestamp)
	if read.Statements == nil {
		return told, nil
	}
	statuses := map[string]int{}
	for _, each := range *read.Statements {
		statuses[each.Status]++
	}
	var parts []string
	for _, status := range sortedKeys(statuses) {
		parts = append(parts, fmt.Sprintf("%d %s", statuses[status], status))
	}
	const most = 8
	told.add("statements", strings.Join(parts[:min(len(parts), most)], ", "))
	return told, nil
}

// Value is the first fact of that name; empty when there is none.
func (d Description) Value(name string) string {
	at := slices.IndexFunc(d.Facts, func(f Fact) bool { return f.Name == name })
	if at < 0 {
		return ""
	}
	return d.Facts[at].Value
}
