package appset

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// selector filters parameter sets. It is a label selector whose values may be
// anything, such as a cluster's address, where Kubernetes takes short names.
type selector struct {
	requirements []metav1.LabelSelectorRequirement
}

// newSelector checks a selector; none takes everything.
func newSelector(written *metav1.LabelSelector) (*selector, error) {
	if written == nil {
		return nil, nil
	}
	made := &selector{}
	for _, name := range slices.Sorted(maps.Keys(written.MatchLabels)) {
		made.requirements = append(made.requirements, metav1.LabelSelectorRequirement{Key: name, Operator: metav1.LabelSelectorOpIn, Values: []string{written.MatchLabels[name]}})
	}
	made.requirements = append(made.requirements, written.MatchExpressions...)
	for _, requirement := range made.requirements {
		if err := check(requirement); err != nil {
			return nil, err
		}
	}
	return made, nil
}

func check(requirement metav1.LabelSelectorRequirement) error {
	if problems := validation.IsQualifiedName(requirement.Key); len(problems) > 0 {
		return fmt.Errorf("key %q: %s", requirement.Key, strings.Join(problems, "; "))
	}
	switch requirement.Operator {
	case metav1.LabelSelectorOpIn, metav1.LabelSelectorOpNotIn:
		if len(requirement.Values) == 0 {
			return fmt.Errorf("key %q: %s needs values", requirement.Key, requirement.Operator)
		}
	case metav1.LabelSelectorOpExists, metav1.LabelSelectorOpDoesNotExist:
		if len(requirement.Values) > 0 {
			return fmt.Errorf("key %q: %s takes no values", requirement.Key, requirement.Operator)
		}
	default:
		return fmt.Errorf("key %q: %q is no operator; it is In, NotIn, Exists or DoesNotExist", requirement.Key, requirement.Operator)
	}
	return nil
}

func (s *selector) matches(params map[string]string) bool {
	return !slices.ContainsFunc(s.requirements, func(requirement metav1.LabelSelectorRequirement) bool {
		value, has := params[requirement.Key]
		switch requirement.Operator {
		case metav1.LabelSelectorOpIn:
			return !has || !slices.Contains(requirement.Values, value)
		case metav1.LabelSelectorOpNotIn:
			return has && slices.Contains(requirement.Values, value)
		case metav1.LabelSelectorOpExists:
			return !has
		case metav1.LabelSelectorOpDoesNotExist:
			return has
		}
		return true
	})
}
