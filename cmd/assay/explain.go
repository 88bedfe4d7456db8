package main

import (
	"cmp"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/assay-gitops/assay/plugin/policy"
)

func newExplain(s streams) *cobra.Command {
	return &cobra.Command{
		Use:     "explain RULE",
		Short:   "say why a rule exists and how to satisfy it",
		Example: "  assay explain image/not-signed\n  assay explain self/admission",
		Args:    onePath("a RULE, as reports name it: image/not-signed"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var names []string
			for _, rule := range policy.Rules() {
				names = append(names, rule.ID)
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			rule, known := policy.Explain(args[0])
			if !known {
				return &exit{code: exitUsage, err: fmt.Errorf("explaining %q: there is no such rule; reports name rules as area/name", args[0])}
			}
			return printRule(s.out, rule)
		},
	}
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
