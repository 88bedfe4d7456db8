package appset

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/assay-gitops/assay/plugin"
)

// keep takes the Applications that Argo CD would create. Two of one name are
// both refused, as Argo CD updates neither; what the API server refuses is told.
func (e *expander) keep(made []application) {
	count := map[string]int{}
	for _, one := range made {
		count[one.Name]++
	}
	told := map[string]bool{}
	for _, one := range made {
		switch refusal := refuseName(one.Name); {
		case refusal != "":
			e.problem(refusal, "correct spec.template.metadata.name; normalize and slugify make names")
		case count[one.Name] > 1:
			if !told[one.Name] {
				told[one.Name] = true
				e.problem(fmt.Sprintf("it contains applications with duplicate name: %s (%d of them), and Argo CD creates and updates none of them", one.Name, count[one.Name]),
					"put what tells them apart into spec.template.metadata.name")
			}
		default:
			e.object(one)
		}
	}
	slices.SortStableFunc(e.expansion.Applications, func(a, b plugin.Object) int { return cmp.Compare(a.ID().Name, b.ID().Name) })
}

func refuseName(name string) string {
	if name == "" {
		return "it gives an Application without a name"
	}
	if problems := validation.IsDNS1123Subdomain(name); len(problems) > 0 {
		return fmt.Sprintf("it gives an Application named %q, which the API server refuses: %s", name, strings.Join(problems, "; "))
	}
	return ""
}

func (e *expander) object(one application) {
	one.APIVersion, one.Kind = "argoproj.io/v1alpha1", "Application"
	fields := map[string]any{}
	if err := convert(one, &fields); err != nil {
		e.problem(fmt.Sprintf("writing the Application %s: %v", one.Name, err), "")
		return
	}
	normal, _ := normalise(fields).(map[string]any)
	e.expansion.Applications = append(e.expansion.Applications, plugin.Object{Fields: normal, Origin: e.set.Origin})
}

// normalise brings whole numbers into the type that [plugin.Object] has for
// them, and leaves out what is null.
func normalise(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			if member == nil && name == "creationTimestamp" {
				delete(value, name)
				continue
			}
			value[name] = normalise(member)
		}
	case []any:
		for i, item := range value {
			value[i] = normalise(item)
		}
	case float64:
		if whole := int64(value); float64(whole) == value && value < 1<<53 && value > -(1<<53) {
			return whole
		}
	}
	return value
}
