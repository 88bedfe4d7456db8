package gate

import (
	"fmt"
	"slices"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

// Waiver turns a denial of this gate into a warning. All fields are required
// but Field and Application; of Image and Object exactly one is. A waiver of an
// object names the finding's field when the finding has one.
type Waiver struct {
	Rule   string        `yaml:"rule"`
	Image  string        `yaml:"image,omitempty"`  // repository, exact
	Object *WaivedObject `yaml:"object,omitempty"` // exact
	Field  string        `yaml:"field,omitempty"`
	// Content binds the waiver: the image's digest, or the finding's content
	// hash.
	Content   string `yaml:"content"`
	Owner     string `yaml:"owner"`
	Reason    string `yaml:"reason"`
	Reference string `yaml:"reference"`
	Approver  string `yaml:"approver"`
	// Until is the last day (UTC) on which the waiver holds: 2026-12-31.
	Until Date `yaml:"until"`
	// Application limits the waiver to one application.
	Application string `yaml:"application,omitempty"`
	// At is the waiver's own line.
	At plugin.Origin `yaml:"-"`
}

// WaivedObject names one object exactly.
type WaivedObject struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Namespace  string `yaml:"namespace,omitempty"`
	Name       string `yaml:"name"`
}

// BreakGlass opens the gate for one application and revision, for at most 24
// hours.
type BreakGlass struct {
	Application string    `yaml:"application"`
	Revision    string    `yaml:"revision"`
	Reason      string    `yaml:"reason"`
	Approver    string    `yaml:"approver"`
	From        time.Time `yaml:"from"`
	Until       time.Time `yaml:"until"`
	// At is the entry's own line.
	At plugin.Origin `yaml:"-"`
}

// Waivers are waivers of one gate in a document of their own (kind: Waivers),
// so that others than the gate's authors may keep and approve the file. They
// mean the same as under the gate's spec.waivers.
type Waivers struct {
	Metadata Metadata
	Spec     WaiversSpec
	// At is where the document was read.
	At plugin.Origin
}

// WaiversSpec is the body of [Waivers].
type WaiversSpec struct {
	// Gate is the name of the gate whose findings they cover; it is loaded beside
	// them.
	Gate string `yaml:"gate"`
	// Waivers are as in a gate.
	Waivers []Waiver `yaml:"waivers"`
}

// waiverFile is one document of waivers and the line of each of its fields.
type waiverFile struct {
	waivers Waivers
	doc     *document
}

func (l *loading) waiversOf(read decoder) {
	waivers := Waivers{At: plugin.Origin{File: read.doc.file, Line: read.doc.root.Line}}
	read.object(part{"metadata", &waivers.Metadata}, part{"spec", &waivers.Spec})
	l.waivers = append(l.waivers, waiverFile{waivers, read.doc})
}

// addWaivers checks the waivers of a document and gives them to their gate,
// where nothing tells them from the gate's own but their line.
func (l *loading) addWaivers(file waiverFile) {
	c := checker{file.doc, l.problems}
	spec := file.waivers.Spec
	at := slices.IndexFunc(l.config.Gates, func(gate Gate) bool { return gate.Metadata.Name == spec.Gate })
	if at < 0 {
		if spec.Gate != "" {
			c.bad("spec.gate", fmt.Sprintf("there is no Gate %q in the configuration, so its waivers cover nothing", spec.Gate), "correct the name, or load the gate beside this file")
		}
		return
	}
	gate := &l.config.Gates[at]
	for i, waiver := range spec.Waivers {
		c.checkWaiver(fmt.Sprintf("spec.waivers[%d]", i), waiver, gate.Spec.WaiverTerms)
	}
	gate.Spec.Waivers = append(slices.Clip(gate.Spec.Waivers), spec.Waivers...)
}
