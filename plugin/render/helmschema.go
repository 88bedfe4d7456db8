package render

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	commonutil "helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"

	"github.com/assay-gitops/assay/plugin"
)

// checkSchemas validates the values by every chart's schema, unless that is
// switched off. A schema that refers to another file or host is refused: the
// validator would go and read it.
func (r *helmRelease) checkSchemas(loaded *chart.Chart, values common.Values) error {
	if r.parameters.SkipSchemaValidation {
		return nil
	}
	if err := checkSchemaReferences(loaded, r.at("values.schema.json"), r.tree.limits); err != nil {
		return err
	}
	merged, err := values.Table("Values")
	if err != nil {
		return invalid(r.at("values.yaml"), "reading the merged values", err)
	}
	if err := commonutil.ValidateAgainstSchema(loaded, merged); err != nil {
		return invalid(r.at("values.schema.json"), "the values do not fit the chart's schema", errors.New(oneLine(err.Error())))
	}
	return nil
}

func checkSchemaReferences(loaded *chart.Chart, origin plugin.Origin, limits plugin.Limits) error {
	if len(loaded.Schema) > 0 {
		schema, err := decodeJSON(loaded.Schema, limits, origin)
		if err != nil {
			return err
		}
		if reference := outsideReference(schema); reference != "" {
			return &plugin.Refusal{
				Rule: ruleRemote, Origin: origin, Message: fmt.Sprintf("the schema of chart %s refers to %q", loaded.Name(), reference),
				Why: whyConfined, Hint: "copy what it refers to into the schema under $defs",
			}
		}
	}
	for _, child := range loaded.Dependencies() {
		if err := checkSchemaReferences(child, origin, limits); err != nil {
			return err
		}
	}
	return nil
}

// draftPattern are the dialects of JSON Schema that the validator carries
// itself; any other it would fetch.
var draftPattern = regexp.MustCompile(`^https?://json-schema\.org/(draft-0[467]|draft/2019-09|draft/2020-12)/schema#?$`)

// outsideReference finds a reference that leaves the schema's own document.
func outsideReference(schema any) string {
	switch schema := schema.(type) {
	case map[string]any:
		for _, keyword := range []string{"$ref", "$dynamicRef", "$recursiveRef", "$schema"} {
			target, isText := schema[keyword].(string)
			if isText && !strings.HasPrefix(target, "#") && !strings.HasPrefix(target, "urn:") && !draftPattern.MatchString(target) {
				return target
			}
		}
		for _, key := range slices.Sorted(maps.Keys(schema)) {
			if found := outsideReference(schema[key]); found != "" {
				return found
			}
		}
	case []any:
		for _, item := range schema {
			if found := outsideReference(item); found != "" {
				return found
			}
		}
	}
	return ""
}
