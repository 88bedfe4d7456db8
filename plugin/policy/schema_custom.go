package policy

import (
	"context"
	"math"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	schemacel "k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/model"
	schemadefaulting "k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	schemaobjectmeta "k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	schemavalidation "k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel/environment"

	"github.com/assay-gitops/assay/plugin"
)

// The limits of the API server on what the rules of a definition may cost by
// estimate: one rule, and all of a version (k8s.io/apiextensions-apiserver
// pkg/apis/apiextensions/validation, StaticEstimatedCostLimit and
// StaticEstimatedCRDCostLimit).
const (
	ruleCostLimit    = 10_000_000
	versionCostLimit = 100_000_000
)

// customVersion is one version of a definition, as the API server holds it.
type customVersion struct {
	structural *structuralschema.Structural
	validator  schemavalidation.SchemaValidator
	// rules compiles x-kubernetes-validations when the first object asks; nil
	// when there are none.
	rules func() *schemacel.Validator
	// resetsStatus is set where status is a subresource.
	resetsStatus bool
}

// newCustomVersion checks a schema in the order of the API server, and stops
// where later checks make no sense.
func newCustomVersion(ctx context.Context, path string, props *apiextensions.JSONSchemaProps) (*customVersion, field.ErrorList) {
	at := field.NewPath(path)
	if props.Type != "object" {
		return nil, field.ErrorList{field.Invalid(at.Child("type"), props.Type, "must be object at the root")}
	}
	structural, err := structuralschema.NewStructural(props)
	if err != nil {
		return nil, field.ErrorList{field.Invalid(at, "", err.Error())}
	}
	if problems := append(unknownTypes(at, structural), structuralschema.ValidateStructural(at, structural)...); len(problems) > 0 {
		return nil, problems
	}
	problems, err := schemadefaulting.ValidateDefaults(ctx, at, structural, true, true)
	if err != nil {
		problems = append(problems, field.InternalError(at, err))
	}
	if len(problems) > 0 {
		return nil, problems
	}
	validator, _, err := schemavalidation.NewSchemaValidator(props)
	if err != nil {
		return nil, field.ErrorList{field.Invalid(at, "", err.Error())}
	}
	cost := ruleCosts{}
	cost.check(at, structural, true, new(uint64(1)))
	if cost.total > versionCostLimit && len(cost.problems) == 0 {
		cost.problems = append(cost.problems, field.Forbidden(at, "the rules of x-kubernetes-validations together cost too much by estimate; bound lists, maps and strings (maxItems, maxProperties, maxLength)"))
	}
	version := &customVersion{structural: structural, validator: validator}
	version.rules = sync.OnceValue(func() *schemacel.Validator { return schemacel.NewValidator(structural, true, celconfig.PerCallLimit) })
	return version, cost.problems
}

// ruleCosts compiles every rule of a schema and adds up what they may cost.
type ruleCosts struct {
	total    uint64
	problems field.ErrorList
}

// check compiles the rules of a schema and of those in it. The cardinality is
// how often an object can hold the place; nil where nothing bounds it.
func (c *ruleCosts) check(at *field.Path, s *structuralschema.Structural, root bool, cardinality *uint64) {
	if s == nil {
		return
	}
	if len(s.XValidations) > 0 {
		c.compile(at.Child("x-kubernetes-validations"), s, root, cardinality)
	}
	for _, name := range sortedKeys(s.Properties) {
		property := s.Properties[name]
		c.check(at.Child("properties").Key(name), &property, false, cardinality)
	}
	var values *structuralschema.ValueValidation
	if values = s.ValueValidation; values == nil {
		values = &structuralschema.ValueValidation{}
	}
	c.check(at.Child("items"), s.Items, false, times(cardinality, values.MaxItems))
	if s.AdditionalProperties != nil {
		c.check(at.Child("additionalProperties"), s.AdditionalProperties.Structural, false, times(cardinality, values.MaxProperties))
	}
}

// times multiplies, without running over; nil is unbounded.
func times(cardinality *uint64, most *int64) *uint64 {
	if cardinality == nil || most == nil || *most < 0 {
		return nil
	}
	product := multiply(*cardinality, uint64(*most))
	return &product
}

func multiply(a, b uint64) uint64 {
	if a > 0 && b > math.MaxUint64/a {
		return math.MaxUint64
	}
	return a * b
}

func (c *ruleCosts) compile(at *field.Path, s *structuralschema.Structural, root bool, cardinality *uint64) {
	environments := environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion())
	results, err := schemacel.Compile(s, model.SchemaDeclType(s, root), celconfig.PerCallLimit, environments, schemacel.NewExpressionsEnvLoader())
	if err != nil {
		c.problems = append(c.problems, field.InternalError(at, err))
		return
	}
	for i, result := range results {
		rule := at.Index(i).Child("rule")
		if result.Error != nil {
			c.problems = append(c.problems, field.Invalid(rule, s.XValidations[i].Rule, result.Error.Detail))
			continue
		}
		if result.MessageExpressionError != nil {
			c.problems = append(c.problems, field.Invalid(at.Index(i).Child("messageExpression"), s.XValidations[i].MessageExpression, result.MessageExpressionError.Detail))
		}
		often := result.MaxCardinality
		if cardinality != nil {
			often = *cardinality
		}
		cost := multiply(result.MaxCost, often)
		if cost > ruleCostLimit {
			c.problems = append(c.problems, field.Forbidden(rule, "the rule costs too much by estimate; bound lists, maps and strings (maxItems, maxProperties, maxLength)"))
		}
		if c.total += cost; c.total < cost {
			c.total = math.MaxUint64
		}
	}
}

// judge compares an object with the schema, on a copy: nulls, unknown fields
// and defaults as the API server treats them, then the values, then the rules.
// Rules over a change need an old object and are left out, as at creation.
func (v *customVersion) judge(ctx context.Context, said *saying, fields map[string]any) {
	object := runtime.DeepCopyJSON(fields)
	if v.resetsStatus {
		delete(object, "status")
	}
	options := structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}
	for _, path := range pruning.PruneWithOptions(object, v.structural, true, options) {
		said.unknownField(path)
	}
	schemadefaulting.PruneNonNullableNullsWithoutDefaults(object, v.structural)
	schemadefaulting.Default(object, v.structural)
	problems := schemavalidation.ValidateCustomResource(nil, object, v.validator)
	problems = append(problems, schemaobjectmeta.Validate(ctx, nil, object, v.structural, false)...)
	problems = append(problems, listtype.ValidateListSetsAndMaps(nil, v.structural, object)...)
	for _, problem := range problems {
		tellProblem(said, ruleValue, problem)
	}
	if len(problems) > 0 {
		return // the rules rely on the types
	}
	if rules := v.rules(); rules != nil {
		broken, _ := rules.Validate(ctx, nil, v.structural, object, nil, celconfig.RuntimeCELCostBudget)
		for _, problem := range broken {
			tellProblem(said, ruleExpression, problem)
		}
	}
}

// tellProblem turns an error of the API server's validation into a finding.
func tellProblem(said *saying, rule string, problem *field.Error) {
	if problem.Type == field.ErrorTypeRequired && rule == ruleValue {
		said.missing(problem.Field)
		return
	}
	path := problem.Field
	if path == "<nil>" {
		path = ""
	}
	said.say(plugin.Finding{Rule: rule, Field: path, Message: oneLine(problem.ErrorBody())})
}
