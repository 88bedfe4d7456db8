package render

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/assay-gitops/assay/plugin"
)

// Rules of this package's refusals and findings.
const (
	ruleEscape       = "render/escape"
	ruleRemote       = "render/remote"
	ruleExec         = "render/exec"
	ruleMissing      = "render/missing"
	ruleInvalid      = "render/invalid"
	ruleLimit        = "render/limit"
	ruleDependency   = "render/dependency"
	ruleNotSupported = "render/not-supported"
	ruleCrashed      = "render/crashed"
	ruleDuplicate    = "render/duplicate"
	ruleDuplicateKey = "render/duplicate-key"
	ruleNotAnObject  = "render/not-an-object"
	ruleEmpty        = "render/empty"
	ruleRandom       = "render/random"
	ruleUnresolved   = "render/unresolved-variable"
	ruleEncrypted    = "render/encrypted"
)

// RuleUpgrade is the rule of a finding that a chart renders another thing for an
// upgrade than for an install.
const RuleUpgrade = "helmrelease/upgrade"

// Rules about Flux's HelmReleases.
const (
	ruleLookup        = "helmrelease/lookup"
	ruleReleaseSource = "helmrelease/source"
	stageRelease      = "helmrelease"
)

const whyConfined = "an application is rendered from its own source tree and nothing else"

// overLimit refuses what goes over one of the limits, by the limit's name in
// plugin.LimitTable.
func overLimit(name string, limits plugin.Limits, origin plugin.Origin) *plugin.Refusal {
	refusal := &plugin.Refusal{
		Rule: ruleLimit, Origin: origin, Message: "goes over the limit " + name,
		Why:  "a rendering is bounded, so that one application cannot stop the others",
		Hint: "make it smaller, or raise limits." + name + " in the gate",
	}
	for _, limit := range plugin.LimitTable() {
		if limit.Name == name {
			refusal.Message = fmt.Sprintf("goes over the limit %s (%d %s: %s)", name, limitValue(name, limits), limit.Unit, limit.What)
		}
	}
	return refusal
}

func limitValue(name string, limits plugin.Limits) int64 {
	return map[string]int64{
		"fileBytes": limits.FileBytes, "treeBytes": limits.TreeBytes, "renderedBytes": limits.RenderedBytes,
		"renderedObjects": limits.RenderedObjects, "yamlDepth": limits.YAMLDepth, "yamlNodes": limits.YAMLNodes,
		"archiveBytes": limits.ArchiveBytes, "archiveFiles": limits.ArchiveFiles,
		"renderSeconds": limits.RenderSeconds, "renderMemory": limits.RenderMemory,
	}[name]
}

// invalid refuses what cannot be understood.
func invalid(origin plugin.Origin, message string, cause error) *plugin.Refusal {
	return &plugin.Refusal{Rule: ruleInvalid, Origin: origin, Message: message, Cause: cause, Hint: "fix the file and render it again"}
}

// refuseRead turns an error of the tree into a refusal that names who asked. A
// refusal stays as it is.
func refuseRead(err error, asked plugin.Origin) error {
	var refusal *plugin.Refusal
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refusal):
		return err
	case errors.Is(err, errEscape):
		return &plugin.Refusal{
			Rule: ruleEscape, Origin: asked, Message: err.Error(), Why: whyConfined,
			Hint: "copy the file into the tree and name it by a relative path",
		}
	case errors.Is(err, errIrregular):
		return &plugin.Refusal{Rule: ruleEscape, Origin: asked, Message: err.Error(), Why: whyConfined, Hint: "use a regular file"}
	case errors.Is(err, fs.ErrNotExist):
		return &plugin.Refusal{
			Rule: ruleMissing, Origin: asked, Message: err.Error(),
			Hint: "add the file, or remove the line that names it",
		}
	}
	return &plugin.Refusal{Rule: ruleInvalid, Origin: asked, Message: "reading the source tree", Cause: err, Hint: "check the file's permissions"}
}
