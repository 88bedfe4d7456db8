package harden

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// resourceSettings are the amounts that a gate asks for, each filled in by
// itself.
func resourceSettings(amounts gate.Resources) ([]setting, error) {
	var settings []setting
	for _, each := range []struct{ list, kind, amount string }{
		{"requests", "cpu", amounts.Requests.CPU}, {"requests", "memory", amounts.Requests.Memory},
		{"limits", "cpu", amounts.Limits.CPU}, {"limits", "memory", amounts.Limits.Memory},
	} {
		if each.amount == "" {
			continue
		}
		wanted, err := resource.ParseQuantity(each.amount)
		if err != nil {
			return nil, fmt.Errorf("reading spec.harden.resources.%s.%s %q: %w", each.list, each.kind, each.amount, err)
		}
		settings = append(settings, setting{
			name: "resources", path: []string{"resources", each.list, each.kind}, why: "a container without it takes from its neighbours, or is the first to be ended",
			isSet: func(c *container) bool {
				return c.amount("resources", each.list, each.kind) != nil || c.pod.saysOf(each.kind)
			},
			decide: func(c *container) decision { return c.resources(each.list, each.kind, wanted) },
		})
	}
	return settings, fits(amounts)
}

// fits reports a request above the limit that would be filled in beside it, which
// the API server refuses.
func fits(amounts gate.Resources) error {
	for _, each := range []struct{ kind, request, limit string }{
		{"cpu", amounts.Requests.CPU, amounts.Limits.CPU}, {"memory", amounts.Requests.Memory, amounts.Limits.Memory},
	} {
		request, errRequest := resource.ParseQuantity(each.request)
		limit, errLimit := resource.ParseQuantity(each.limit)
		if errRequest == nil && errLimit == nil && request.Cmp(limit) > 0 { // an empty one is no quantity
			return fmt.Errorf("reading spec.harden.resources: the request of %s (%s) is above its limit (%s), which the API server refuses; raise the limit or lower the request",
				each.kind, each.request, each.limit)
		}
	}
	return nil
}

// amount is what the author wrote, nil when nothing.
func (c *container) amount(path ...string) any { return at(c.fields, path...) }

// saysOf reports whether the author wrote an amount for the Pod as a whole
// (KEP-2837). Those of its containers have to fit into it, all together, and a
// container's limit is its request, too.
func (p *pod) saysOf(kind string) bool {
	return at(p.spec, "resources", "requests", kind) != nil || at(p.spec, "resources", "limits", kind) != nil
}

func at(fields map[string]any, path ...string) any {
	for _, name := range path[:len(path)-1] {
		fields, _ = fields[name].(map[string]any)
	}
	return fields[path[len(path)-1]]
}

// resources fills in one amount. A request follows from a limit that the author
// wrote (core/v1, SetDefaults_Pod), and the API server refuses a limit below the
// request. A rendered LimitRange is the author's own word on what is missing.
func (c *container) resources(list, kind string, wanted resource.Quantity) decision {
	if c.list == "ephemeralContainers" { // the API has no resources for them
		return decision{}
	}
	if around := c.pod.target.around; around.limited[around.place(c.pod.id)] {
		return decision{heldBack: "a LimitRange of the rendering says what containers of the namespace get, and which amounts it refuses", level: plugin.Info,
			hint: "write the amounts, or let the LimitRange do it"}
	}
	other := map[string]string{"requests": "limits", "limits": "requests"}[list]
	written := c.amount("resources", other, kind)
	if written == nil {
		return decision{value: wanted.String()}
	}
	if list == "requests" {
		return decision{}
	}
	request, err := resource.ParseQuantity(fmt.Sprint(written))
	if err != nil {
		return decision{heldBack: fmt.Sprintf("the author's request of %s is no quantity", kind), hint: "correct the request", level: plugin.Info}
	}
	if request.Cmp(wanted) > 0 {
		return decision{
			heldBack: fmt.Sprintf("the request of %s is %s, which is more than the limit of %s", kind, request.String(), wanted.String()), level: plugin.Warn,
			hint: fmt.Sprintf("write a limit of %s of %s or more", kind, request.String()),
		}
	}
	return decision{value: wanted.String()}
}
