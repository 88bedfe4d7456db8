package manifests_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// panel is what the tests read of a panel of the dashboard.
type panel struct {
	ID          int            `json:"id"`
	Type        string         `json:"type"`
	Title       string         `json:"title"`
	Description string         `json:"description"`
	Datasource  map[string]any `json:"datasource"`
	GridPos     struct{ H, W, X, Y int }
	Targets     []struct {
		RefID      string         `json:"refId"`
		Expr       string         `json:"expr"`
		Datasource map[string]any `json:"datasource"`
	} `json:"targets"`
}

func dashboard(t *testing.T) (panels []panel, whole map[string]any) {
	t.Helper()
	data, err := os.ReadFile("monitoring/dashboard/assay.json")
	if err != nil {
		t.Fatal(err)
	}
	var read struct {
		Panels []panel `json:"panels"`
	}
	if err := json.Unmarshal(data, &read); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &whole); err != nil {
		t.Fatal(err)
	}
	if len(read.Panels) < 10 {
		t.Fatalf("%d panels", len(read.Panels))
	}
	return read.Panels, whole
}

func TestDashboard_QueriesNameMetricsThatAreExported(t *testing.T) {
	panels, _ := dashboard(t)
	for _, each := range panels {
		for _, target := range each.Targets {
			checkNames(t, each.Title, target.Expr)
		}
	}
}

// TestDashboard_ShowsEveryMetric of assay's own: what is exported is looked at.
func TestDashboard_ShowsEveryMetric(t *testing.T) {
	panels, _ := dashboard(t)
	var shown []string
	for _, each := range panels {
		for _, target := range each.Targets {
			metrics, _ := vocabulary(target.Expr)
			shown = append(shown, metrics...)
		}
	}
	for name, labels := range known(t) {
		if slices.Contains(labels, "le") || !strings.HasPrefix(name, "assay_") {
			continue
		}
		for _, part := range []string{"_sum", "_count", "_bucket"} {
			name = strings.TrimSuffix(name, part)
		}
		if !slices.Contains(shown, name) && !slices.Contains(shown, name+"_bucket") {
			t.Errorf("no panel shows %s", name)
		}
	}
}

// TestDashboard_IsWellFormed: what Grafana would take without a word and show
// wrongly. Ids are unique, panels lie beside each other, each query goes to the
// source of data that the reader chooses.
func TestDashboard_IsWellFormed(t *testing.T) {
	panels, whole := dashboard(t)
	if whole["uid"] != "assay" || whole["id"] != nil {
		t.Errorf("uid %v, id %v; a dashboard that is provisioned has the one and not the other", whole["uid"], whole["id"])
	}
	variables, _ := at(whole, "templating", "list").([]any)
	if source := named(t, variables, "datasource"); source["type"] != "datasource" || source["query"] != "prometheus" {
		t.Errorf("the variable datasource is %v", source)
	}
	ids, taken := map[int]string{}, map[[2]int]string{}
	for _, each := range panels {
		if before, twice := ids[each.ID]; twice || each.ID == 0 {
			t.Errorf("%q has the id %d of %q", each.Title, each.ID, before)
		}
		ids[each.ID] = each.Title
		grid := each.GridPos
		if grid.W < 1 || grid.H < 1 || grid.X < 0 || grid.X+grid.W > 24 {
			t.Errorf("%q lies beside the grid: %+v", each.Title, grid)
		}
		for x := grid.X; x < grid.X+grid.W; x++ {
			for y := grid.Y; y < grid.Y+grid.H; y++ {
				if other, overlaps := taken[[2]int{x, y}]; overlaps {
					t.Fatalf("%q lies on %q", each.Title, other)
				}
				taken[[2]int{x, y}] = each.Title
			}
		}
		if each.Type == "row" {
			continue
		}
		if each.Title == "" || each.Description == "" || len(each.Targets) == 0 {
			t.Errorf("panel %d has no title, description or query", each.ID)
		}
		refs := map[string]bool{}
		for _, target := range each.Targets {
			if target.Datasource["uid"] != "${datasource}" || each.Datasource["uid"] != "${datasource}" || refs[target.RefID] || target.RefID == "" {
				t.Errorf("%q: query %q goes to %v, or is there twice", each.Title, target.RefID, target.Datasource)
			}
			refs[target.RefID] = true
		}
	}
}
