package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/policy"
	"github.com/assay-gitops/assay/plugin/report"
)

func newPolicies(s streams) *cobra.Command {
	var gates gateFlags
	var format string
	cmd := &cobra.Command{
		Use:   "policies",
		Short: "list what a gate runs, from where, and at which level",
		Long: `policies lists every rule that a gate runs: those of its packs, the platform's
own policies, its trust rules, its demands on evidence, and what is always on.
Each line says the level that the gate sets (and the one that it was shipped
with, where that differs), the engine, and where the rule comes from: a pack and
its version, or a file and its line. Without a gate it lists the embedded default
gate's.`,
		Example: `  assay policies
  assay policies --gate examples/gates/starter
  assay policies --gate examples/gates/starter --output json`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			if format != "text" && format != "json" {
				return &exit{code: exitUsage, err: fmt.Errorf("listing the policies: --output %q is neither text nor json", format)}
			}
			config, err := gates.load()
			if err != nil {
				return gates.unloaded(err)
			}
			lists, err := listPolicies(config)
			if err != nil {
				return &exit{code: exitDenied, err: err}
			}
			if format == "json" {
				return printPoliciesJSON(s.out, lists)
			}
			printPolicies(s.out, lists)
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&gates.gates, "gate", "g", nil, "gate `file or folder` (repeatable); without one the embedded default gate applies")
	flags.StringVarP(&format, "output", "o", "text", "`format`: text, json")
	offer(cmd, "output", "text", "json")
	return cmd
}

// noArguments refuses what flags say.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s takes flags alone, and not %q", cmd.CommandPath(), args[0])
	}
	return nil
}

// gatePolicies are the rules of one gate.
type gatePolicies struct {
	Gate  string       `json:"gate"`
	At    string       `json:"at"`
	Rules []listedRule `json:"rules"`
}

type listedRule struct {
	Rule     string `json:"rule"`
	Title    string `json:"title"`
	Severity string `json:"severity,omitempty"`
	Engine   string `json:"engine"`
	From     string `json:"from"`
	// Shipped is the level without the gate's word, Level the one with it.
	Shipped string `json:"shipped"`
	Level   string `json:"level"`
}

func listPolicies(config *gate.Config) ([]gatePolicies, error) {
	if len(config.Gates) == 0 {
		return nil, errors.New("listing the policies: there is no Gate among the files, so nothing is run")
	}
	compiler := policy.NewCompiler()
	var lists []gatePolicies
	for _, each := range config.Gates {
		compiled, err := compiler.Compile(policy.Config{Gate: each, Documents: config.Documents})
		if err != nil {
			return nil, err
		}
		list := gatePolicies{Gate: each.Metadata.Name, At: each.At.String()}
		for _, rule := range slices.Concat(compiled.List(), policy.ListTrust(config.PoliciesOf(each)), policy.ListNotation(each), policy.ListEvidence(each)) {
			list.Rules = append(list.Rules, listedRule{
				Rule: rule.Rule.ID, Title: rule.Rule.Title, Severity: rule.Rule.Severity,
				Engine: rule.Engine, From: rule.From, Shipped: rule.Rule.Level, Level: rule.Level,
			})
		}
		lists = append(lists, list)
	}
	return lists, nil
}

func printPoliciesJSON(w io.Writer, lists []gatePolicies) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(map[string]any{"gates": lists}); err != nil {
		return fmt.Errorf("writing the list: %w", err)
	}
	return nil
}

// printPolicies aligns the columns of each gate.
func printPolicies(w io.Writer, lists []gatePolicies) {
	for i, list := range lists {
		if i > 0 {
			fmt.Fprintln(w)
		}
		tell(w, "gate %s  (%s)\n", list.Gate, list.At)
		rows := [][]string{{"rule", "level", "engine", "from"}}
		for _, rule := range list.Rules {
			level := rule.Level
			if rule.Shipped != level {
				level += " (shipped: " + rule.Shipped + ")"
			}
			rows = append(rows, []string{report.Neutral(rule.Rule), level, rule.Engine, report.Neutral(rule.From)})
		}
		printTable(w, rows)
	}
}

// printTable writes rows whose columns, but the last, are as wide as their
// widest cell.
func printTable(w io.Writer, rows [][]string) {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], len(cell))
		}
	}
	for _, row := range rows {
		for i, cell := range row {
			if i == len(row)-1 {
				fmt.Fprintf(w, "  %s\n", cell)
			} else {
				fmt.Fprintf(w, "  %-*s", widths[i], cell)
			}
		}
	}
}
