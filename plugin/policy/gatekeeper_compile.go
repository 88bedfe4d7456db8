package policy

import (
	"errors"
	"fmt"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
	"github.com/assay-gitops/assay/plugin/gate"
)

// gatekeeperFormat compiles what the configuration holds of Gatekeeper.
func (c *Compiler) gatekeeperFormat(config Config, documents []gate.Document) (ownPolicies, error) {
	judge := config.Gate.Spec.Judge
	files, err := readGatekeeper(documents)
	if err != nil {
		return ownPolicies{}, err
	}
	engine := &constraints{trustLabels: judge.TrustObjectLabels, inventoryComplete: judge.InventoryComplete}
	indeterminate, err := indeterminateLevel(judge.Indeterminate)
	problems := []error{err}
	engine.indeterminate = indeterminate
	templates, err := c.templates(files)
	problems = append(problems, err)
	own := ownPolicies{warnings: unusedTemplates(files)}
	for _, file := range files.constraints {
		own.names = append(own.names, ownName{file.id(), file.at})
		template, known := templates[file.Kind]
		switch {
		case !known:
			problems = append(problems, apiserver.Refuse(file.at, "constraint %s: there is no ConstraintTemplate of kind %s in the configuration; load its file", file.id(), file.Kind))
			continue
		case template == nil:
			continue // what is wrong with the template was said
		}
		bound, inForce, err := bindConstraint(file, template, judge.TrustObjectLabels)
		problems = append(problems, err)
		switch {
		case err != nil:
		case !inForce:
			own.warnings = append(own.warnings, outOfForce(file))
		case len(judge.Policies) == 0 || slices.Contains(judge.Policies, file.id()):
			engine.bound = append(engine.bound, bound)
			own.rules = append(own.rules, bound.rule)
		}
	}
	if len(engine.bound) > 0 {
		own.engine = engine
	}
	return own, errors.Join(problems...)
}

// templates compiles every template, by its constraints' kind; one that is
// broken is nil.
func (c *Compiler) templates(files gatekeeperFiles) (map[string]*constraintTemplate, error) {
	templates := map[string]*constraintTemplate{}
	var problems []error
	for _, file := range files.templates {
		kind := file.Spec.CRD.Spec.Names.Kind
		if _, twice := templates[kind]; twice && kind != "" {
			problems = append(problems, apiserver.Refuse(file.at, "template %q: there is another one of kind %s", file.Name, kind))
			continue
		}
		template, err := c.template(file)
		problems = append(problems, err)
		templates[kind] = template
	}
	return templates, errors.Join(problems...)
}

// template compiles a template, or takes it from an earlier gate.
func (c *Compiler) template(file templateFile) (*constraintTemplate, error) {
	if known := c.constraintTemplates[file.raw]; known != nil {
		return known, nil
	}
	if err := checkTemplate(file); err != nil {
		return nil, err
	}
	code, cel, err := file.engines()
	if err != nil {
		return nil, err
	}
	template := &constraintTemplate{file: file}
	problems := make([]error, 3)
	template.schema, problems[0] = newParameterSchema(file)
	if cel != nil {
		template.cel, problems[1] = c.compileCEL(file, cel)
	}
	if code.Rego != "" { // compiled beside CEL too: a broken half is told, not passed over
		template.rego, problems[2] = c.compileTemplate(file, code)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	if cel != nil {
		template.rego = nil
	}
	c.constraintTemplates[file.raw] = template
	return template, nil
}

func bindConstraint(file constraintFile, template *constraintTemplate, trustLabels bool) (bound boundConstraint, inForce bool, err error) {
	level, inForce, actionErr := file.actionLevel(template.cel != nil)
	given := file.Spec.Parameters != nil
	if err := errors.Join(actionErr, file.checkMatch(trustLabels), template.checkCEL(trustLabels), template.schema.read(&file)); err != nil {
		return boundConstraint{}, false, err
	}
	parameters, err := ast.InterfaceToValue(file.Spec.Parameters)
	if err != nil {
		return boundConstraint{}, false, apiserver.Refuse(file.at, "constraint %s: reading spec.parameters as Rego: %v", file.id(), err)
	}
	rule := Rule{
		ID: policyRule + file.id(), Title: file.id(), Adjustable: true, Why: template.file.Annotations["description"],
		Fix: "change the object so that the constraint " + file.id() + " accepts it",
	}
	bound = boundConstraint{file: file, template: template, rule: rule, level: level, parameters: parameters}
	bound.celParams = file.celObject(given || len(file.Spec.Parameters) > 0)
	return bound, inForce, nil
}

func outOfForce(file constraintFile) plugin.Finding {
	return plugin.Finding{
		Rule: rulePolicyWithoutBinding, Level: plugin.Warn, Origin: file.at,
		Message: fmt.Sprintf("constraint %s is scoped to points that are not admission's, so it is not in force here, as in the cluster's webhook", file.id()),
		Hint:    "name validation.gatekeeper.sh or * in its enforcementPoints, or remove it",
	}
}

func unusedTemplates(files gatekeeperFiles) []plugin.Finding {
	var warnings []plugin.Finding
	for _, file := range files.templates {
		kind := file.Spec.CRD.Spec.Names.Kind
		if slices.ContainsFunc(files.constraints, func(constraint constraintFile) bool { return constraint.Kind == kind }) {
			continue
		}
		warnings = append(warnings, plugin.Finding{
			Rule: rulePolicyWithoutBinding, Level: plugin.Warn, Origin: file.at,
			Message: fmt.Sprintf("template %q has no constraint, so it is not in force, as in the cluster", file.Name),
			Hint:    "add a constraint of kind " + kind + ", or remove the template",
		})
	}
	return warnings
}
