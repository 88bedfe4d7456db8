package report_test

import (
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/report"
)

func warning() plugin.Finding {
	finding := privileged()
	finding.Rule, finding.Level = "workload/requests", plugin.Warn
	finding.Message, finding.Why, finding.Hint = "container web requests no memory", "the node fills up", "request it"
	return finding
}

func TestText_WarningsDoNotHideTheReasonForANo(t *testing.T) {
	const brief = "  ! warn  workload/requests: container web requests no memory\n"
	no := string(write(t, "text", report.Options{}, complete(t, []string{"starter"}, nil, privileged(), warning())))
	if !strings.Contains(no, brief) || strings.Contains(no, "the node fills up") || !strings.Contains(no, "in full in the json report: 1 warning\n") {
		t.Errorf("denied:\n%s", no)
	}
	yes := string(write(t, "text", report.Options{}, complete(t, []string{"starter"}, nil, warning())))
	if strings.Contains(yes, brief) || !strings.Contains(yes, "the node fills up") || strings.Contains(yes, "in full in the json report") {
		t.Errorf("allowed:\n%s", yes)
	}
}

func TestText_EqualDetailsAreToldOncePerObject(t *testing.T) {
	first, second, other := privileged(), privileged(), privileged()
	first.Details, second.Details, other.Details = []string{"asked for by the gate"}, []string{"asked for by the gate"}, []string{"another reason"}
	second.Rule, other.Rule = "pss/second", "pss/third"
	text := string(write(t, "text", report.Options{}, complete(t, []string{"starter"}, nil, first, second, other)))
	if strings.Count(text, "asked for by the gate") != 1 || !strings.Contains(text, "another reason") {
		t.Errorf("got\n%s", text)
	}
	second.Object = worker
	text = string(write(t, "text", report.Options{}, complete(t, []string{"starter"}, nil, first, second)))
	if strings.Count(text, "asked for by the gate") != 2 {
		t.Errorf("another object needs the details again:\n%s", text)
	}
}

func TestText_OriginStandsBesideTheFindingOnlyWhenItIsAnother(t *testing.T) {
	first, second := privileged(), privileged()
	second.Rule, second.Origin.Line = "pss/second", 40
	text := string(write(t, "text", report.Options{}, complete(t, []string{"starter"}, nil, first, second)))
	if strings.Count(text, "base/web.yaml:9") != 1 || strings.Count(text, "    from    base/web.yaml:40\n") != 1 {
		t.Errorf("got\n%s", text)
	}
}

func TestText_GateIsNamedOnlyWhenThereAreSeveral(t *testing.T) {
	const line = "    gate    starter\n"
	if text := string(write(t, "text", report.Options{}, complete(t, []string{"starter"}, nil, privileged()))); strings.Contains(text, line) {
		t.Errorf("one gate:\n%s", text)
	}
	if text := string(write(t, "text", report.Options{}, complete(t, []string{"platform", "starter"}, nil, privileged()))); !strings.Contains(text, line) {
		t.Errorf("two gates:\n%s", text)
	}
}

func TestText_UnknownLevelReadsAsADenial(t *testing.T) {
	finding := privileged()
	finding.Level = plugin.Level(99)
	v := complete(t, []string{"starter"}, nil, finding)
	text := string(write(t, "text", report.Options{}, v))
	if !strings.HasPrefix(text, "denied: ") || !strings.Contains(text, "x deny  pss/restricted") || report.ExitCode(v) != 1 {
		t.Errorf("got\n%s", text)
	}
}

func TestText_ChangesOfManyObjectsReadAsOne(t *testing.T) {
	var changes []plugin.Finding
	for _, name := range strings.Split("abcdefgh", "") {
		id := web
		id.Name = name
		changes = append(changes, hardened(id, "allowPrivilegeEscalation", "false"))
	}
	changes[0].Was = "null" // as compact JSON may say "unset" too
	text := string(write(t, "text", report.Options{}, complete(t, []string{"starter"}, nil, changes...)))
	if !strings.Contains(text, "filled in by assay (8 fields)") || strings.Count(text, "unset -> false") != 1 ||
		!strings.Contains(text, "and 3 more\n") {
		t.Errorf("got\n%s", text)
	}
}
