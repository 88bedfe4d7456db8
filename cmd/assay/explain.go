package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/policy"
	"github.com/assay-gitops/assay/plugin/report"
)

func newExplain(s streams) *cobra.Command {
	var gates gateFlags
	cmd := &cobra.Command{
		Use:   "explain [RULE or AREA]",
		Short: "say why a rule exists and how to satisfy it, or list the rules",
		Long: `explain says why a rule exists and how to satisfy it. Of an area (what stands
before the slash of a rule) it lists the rules; without an argument it lists all.
With a gate it also knows the policies that the gate brings.`,
		Example: `  assay explain
  assay explain workload
  assay explain image/not-signed
  assay explain policy/replicas --gate examples/policies/replicas/policy.yaml`,
		Args: atMostOne,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var names []string
			for _, rule := range policy.Rules() {
				names = append(names, rule.ID)
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			known, err := explained(gates)
			if err != nil {
				return gates.unloaded(err)
			}
			return explain(s.out, strings.Join(args, ""), known)
		},
	}
	cmd.Flags().StringArrayVarP(&gates.gates, "gate", "g", nil, "gate `file or folder` whose own policies are explained too (repeatable)")
	return cmd
}

// explained are the policies that gates bring; none without a gate.
func explained(gates gateFlags) ([]policy.Listed, error) {
	if len(gates.gates) == 0 {
		return nil, nil
	}
	config, err := gates.load()
	if err != nil {
		return nil, err
	}
	compiler := policy.NewCompiler()
	judged := config.Gates
	if len(judged) == 0 {
		judged = []gate.Gate{{}} // policies alone
	}
	var known []policy.Listed
	for _, each := range judged {
		compiled, err := compiler.Compile(policy.Config{Gate: each, Documents: config.Documents})
		if err != nil {
			return nil, err
		}
		for _, rule := range compiled.List() {
			same := func(other policy.Listed) bool { return other.Rule.ID == rule.Rule.ID }
			if rule.Own && !slices.ContainsFunc(known, same) {
				known = append(known, rule)
			}
		}
	}
	return known, nil
}

func atMostOne(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return fmt.Errorf("%s takes one RULE, as reports name it (image/not-signed), or one AREA (image), and nothing else", cmd.CommandPath())
	}
	return nil
}

// explain prints one rule's page, or the list of an area's rules, or of all.
// Own are a gate's own policies.
func explain(w io.Writer, name string, own []policy.Listed) error {
	all := policy.Rules()
	for _, each := range own {
		if each.Rule.ID == name {
			return printOwn(w, each)
		}
		all = append(all, each.Rule)
	}
	if rule, known := policy.Explain(name); known && (len(own) == 0 || rule.ID == name) {
		return printRule(w, rule)
	}
	var list []policy.Rule
	area := strings.TrimSuffix(name, "/") + "/"
	for _, rule := range all {
		if name == "" || strings.HasPrefix(rule.ID, area) {
			list = append(list, rule)
		}
	}
	if len(list) == 0 {
		return &exit{code: exitUsage, err: fmt.Errorf("explaining %q: there is no such rule or area%s; 'assay explain' lists them", name, policy.Nearest(name, all))}
	}
	width := 0
	for _, rule := range list {
		width = max(width, len(rule.ID))
	}
	for _, rule := range list {
		if _, err := fmt.Fprintf(w, "%-*s  %s\n", width, rule.ID, rule.Title); err != nil {
			return err
		}
	}
	return nil
}

// printOwn is the page of a gate's own policy, which its author wrote.
func printOwn(w io.Writer, own policy.Listed) error {
	rule := own.Rule
	text := fmt.Sprintf("%s  (%s, %s)\n  %s\n\nfrom: %s\nwhy:  %s\nfix:  %s\n", rule.ID, own.Engine, own.Level, rule.Title, own.From, cmp.Or(rule.Why, "-"), cmp.Or(rule.Fix, "-"))
	if rule.Adjustable {
		text += "A gate can set its level under spec.judge.rules.\n"
	}
	for line := range strings.Lines(text) {
		if _, err := fmt.Fprintln(w, report.Neutral(strings.TrimSuffix(line, "\n"))); err != nil {
			return err
		}
	}
	return nil
}

// printRule is the rule's page for a terminal.
func printRule(w io.Writer, rule policy.Rule) error {
	text := fmt.Sprintf("%s  (severity %s, %s", rule.ID, rule.Severity, rule.Level)
	if rule.Pack != "" {
		text += ", " + rule.Pack
	}
	text += fmt.Sprintf(")\n  %s\n\nwhy:  %s\nfix:  %s\n", rule.Title, cmp.Or(rule.Why, "-"), cmp.Or(rule.Fix, "-"))
	if rule.EffectiveOn != "" {
		text += "It warns until " + rule.EffectiveOn + ".\n"
	}
	if rule.Adjustable {
		text += "A gate can set its level under spec.judge.rules.\n"
	}
	for _, control := range rule.Controls {
		text += "also: " + control + "\n"
	}
	for _, reference := range rule.References {
		text += "see:  " + reference + "\n"
	}
	_, err := io.WriteString(w, text)
	return err
}
