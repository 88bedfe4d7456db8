package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/assay-gitops/assay/plugin/policy"
)

func newExplain(s streams) *cobra.Command {
	return &cobra.Command{
		Use:   "explain [RULE or AREA]",
		Short: "say why a rule exists and how to satisfy it, or list the rules",
		Long: `explain says why a rule exists and how to satisfy it. Of an area (what stands
before the slash of a rule) it lists the rules; without an argument it lists all.`,
		Example: `  assay explain
  assay explain workload
  assay explain image/not-signed
  assay explain self/admission`,
		Args: atMostOne,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var names []string
			for _, rule := range policy.Rules() {
				names = append(names, rule.ID)
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error { return explain(s.out, strings.Join(args, "")) },
	}
}

func atMostOne(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return fmt.Errorf("%s takes one RULE, as reports name it (image/not-signed), or one AREA (image), and nothing else", cmd.CommandPath())
	}
	return nil
}

// explain prints one rule's page, or the list of an area's rules, or of all.
func explain(w io.Writer, name string) error {
	if rule, known := policy.Explain(name); known {
		return printRule(w, rule)
	}
	var list []policy.Rule
	area := strings.TrimSuffix(name, "/") + "/"
	for _, rule := range policy.Rules() {
		if name == "" || strings.HasPrefix(rule.ID, area) {
			list = append(list, rule)
		}
	}
	if len(list) == 0 {
		return &exit{code: exitUsage, err: fmt.Errorf("explaining %q: there is no such rule or area%s; 'assay explain' lists them", name, policy.Suggest(name))}
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
	for _, reference := range rule.References {
		text += "see:  " + reference + "\n"
	}
	_, err := io.WriteString(w, text)
	return err
}
