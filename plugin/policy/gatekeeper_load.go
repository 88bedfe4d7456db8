package policy

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
	"github.com/assay-gitops/assay/plugin/gate"
)

// gatekeeperTarget is the only target that Gatekeeper has.
const gatekeeperTarget = "admission.k8s.gatekeeper.sh"

// The engines of a template.
const (
	engineRego = "Rego"
	engineCEL  = "K8sNativeValidation"
)

// templateFile is a ConstraintTemplate and where it was read. The versions v1
// and v1beta1 differ in the default of legacySchema alone.
type templateFile struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		CRD struct {
			Spec struct {
				Names struct {
					Kind       string   `json:"kind"`
					ShortNames []string `json:"shortNames"`
				} `json:"names"`
				Validation *struct {
					OpenAPIV3Schema *apiextensionsv1.JSONSchemaProps `json:"openAPIV3Schema"`
					LegacySchema    *bool                            `json:"legacySchema"`
				} `json:"validation"`
			} `json:"spec"`
		} `json:"crd"`
		Targets []templateTarget `json:"targets"`
	} `json:"spec"`
	Status any `json:"status"`

	at plugin.Origin
	// raw tells two templates apart.
	raw string
}

type templateTarget struct {
	Target     string         `json:"target"`
	Rego       string         `json:"rego"`
	Libs       []string       `json:"libs"`
	Code       []templateCode `json:"code"`
	Operations []string       `json:"operations"`
}

type templateCode struct {
	Engine string          `json:"engine"`
	Source json.RawMessage `json:"source"`
}

// regoCode is the source of the engine Rego.
type regoCode struct {
	Rego    string   `json:"rego"`
	Version string   `json:"version"`
	Libs    []string `json:"libs"`
}

// constraintFile is a constraint and where it was read.
type constraintFile struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		EnforcementAction        string           `json:"enforcementAction"`
		ScopedEnforcementActions []scopedAction   `json:"scopedEnforcementActions"`
		Match                    *constraintMatch `json:"match"`
		Parameters               map[string]any   `json:"parameters"`
	} `json:"spec"`
	Status any `json:"status"`

	at plugin.Origin
}

// id is how messages and rules call the constraint.
func (f constraintFile) id() string { return f.Kind + "/" + f.Name }

// gatekeeperFiles are the decoded documents of a configuration.
type gatekeeperFiles struct {
	templates   []templateFile
	constraints []constraintFile
}

// isGatekeeper reports whether this engine reads the document.
func isGatekeeper(document gate.Document) bool {
	group, _, _ := strings.Cut(document.APIVersion, "/")
	return group == "templates.gatekeeper.sh" || group == "constraints.gatekeeper.sh"
}

// readGatekeeper decodes templates and constraints strictly.
func readGatekeeper(documents []gate.Document) (gatekeeperFiles, error) {
	var files gatekeeperFiles
	var problems []error
	for _, document := range documents {
		switch {
		case !isGatekeeper(document):
		case document.APIVersion == "constraints.gatekeeper.sh/v1beta1":
			file := constraintFile{at: document.At}
			if err := apiserver.DecodeStrictly(document, &file); err != nil {
				problems = append(problems, err)
				continue
			}
			files.constraints = append(files.constraints, file)
		case document.Kind == "ConstraintTemplate" && slices.Contains([]string{"templates.gatekeeper.sh/v1", "templates.gatekeeper.sh/v1beta1"}, document.APIVersion):
			file := templateFile{at: document.At, raw: string(document.JSON)}
			if err := apiserver.DecodeStrictly(document, &file); err != nil {
				problems = append(problems, err)
				continue
			}
			files.templates = append(files.templates, file)
		default:
			problems = append(problems, apiserver.Refuse(document.At, "%s %s %q is not supported; ConstraintTemplate of templates.gatekeeper.sh/v1 and v1beta1 is, "+
				"and constraints of constraints.gatekeeper.sh/v1beta1 are", document.APIVersion, document.Kind, document.Name))
		}
	}
	slices.SortFunc(files.templates, func(a, b templateFile) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(files.constraints, func(a, b constraintFile) int { return strings.Compare(a.id(), b.id()) })
	return files, errors.Join(problems...)
}

// checkTemplate refuses what Gatekeeper refuses.
func checkTemplate(file templateFile) error {
	kind := file.Spec.CRD.Spec.Names.Kind
	var problems []error
	switch {
	case kind == "":
		problems = append(problems, apiserver.Refuse(file.at, "template %q has no spec.crd.spec.names.kind; write the constraints' kind", file.Name))
	case file.Name != strings.ToLower(kind):
		problems = append(problems, apiserver.Refuse(file.at, "template %q: its name has to be its kind %s in lower case: %s", file.Name, kind, strings.ToLower(kind)))
	}
	if len(file.Spec.Targets) != 1 {
		return errors.Join(append(problems, apiserver.Refuse(file.at, "template %q has %d targets; Gatekeeper wants exactly one", file.Name, len(file.Spec.Targets)))...)
	}
	target := file.Spec.Targets[0]
	if target.Target != gatekeeperTarget {
		problems = append(problems, apiserver.Refuse(file.at, "template %q: target %q is not supported; %s is", file.Name, target.Target, gatekeeperTarget))
	}
	for _, operation := range target.Operations {
		if !slices.Contains([]string{"*", "CREATE", "UPDATE", "DELETE", "CONNECT"}, operation) || operation == "*" && len(target.Operations) > 1 {
			problems = append(problems, apiserver.Refuse(file.at, "template %q: operation %q is none of CREATE, UPDATE, DELETE, CONNECT, nor * alone", file.Name, operation))
		}
	}
	return errors.Join(problems...)
}

// asks reports whether the template is in force for an operation; without a
// list it is for all.
func (t templateTarget) asks(operation string) bool {
	return len(t.Operations) == 0 || slices.Contains(t.Operations, "*") || slices.Contains(t.Operations, operation)
}

// engines finds the code of each engine. An engine that is not known is
// refused: passing over it would leave a template without a rule.
func (f templateFile) engines() (regoCode, json.RawMessage, error) {
	target := f.Spec.Targets[0]
	code := regoCode{Rego: target.Rego, Libs: target.Libs}
	var cel json.RawMessage
	seen := map[string]bool{engineRego: target.Rego != ""}
	for _, each := range target.Code {
		if seen[each.Engine] {
			return code, cel, apiserver.Refuse(f.at, "template %q has code for the engine %s twice; keep one", f.Name, each.Engine)
		}
		seen[each.Engine] = true
		switch each.Engine {
		case engineRego:
			document := gate.Document{Kind: "the Rego source of template", Name: f.Name, JSON: each.Source, At: f.at}
			if err := apiserver.DecodeStrictly(document, &code); err != nil {
				return code, cel, err
			}
		case engineCEL:
			cel = each.Source
		default:
			return code, cel, apiserver.Refuse(f.at, "template %q: the engine %q is not supported; %s and %s are", f.Name, each.Engine, engineRego, engineCEL)
		}
	}
	if code.Rego == "" && cel == nil {
		return code, cel, apiserver.Refuse(f.at, "template %q has no code, so it would let everything through; write targets[0].rego or targets[0].code", f.Name)
	}
	return code, cel, nil
}
