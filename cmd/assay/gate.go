package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/setup"
	"github.com/assay-gitops/assay/plugin/verify"
)

func newGate(s streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "gate",
		Short: "check and try gates",
		Args:  knownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newGateCheck(s), newGateTry(s))
	return cmd
}

func newGateCheck(s streams) *cobra.Command {
	return &cobra.Command{
		Use:   "check [PATH...]",
		Short: "load a gate, compile all of it, and say in words what it means",
		Long: `check reads the gate's files strictly, compiles every rule, and prints what the
gate demands. Without a path it explains the embedded default gate.`,
		Example: `  assay gate check
  assay gate check examples/gates/starter`,
		RunE: func(_ *cobra.Command, args []string) error {
			flags := gateFlags{gates: args}
			config, err := flags.load()
			if err != nil {
				return flags.unloaded(err)
			}
			set, err := setup.New(setup.Options{Config: config, TrustDir: trustDir(cacheDir())})
			if err != nil {
				return asExit(err)
			}
			defer set.Close()
			roots, err := set.Roots()
			if err != nil {
				return &exit{code: exitDenied, err: err}
			}
			words := gate.Explain(config)
			words.Roots = describeRoots(roots)
			words.Warnings = append(words.Warnings, config.Validate(time.Now())...)
			words.Warnings = append(words.Warnings, set.Warnings()...)
			words.Warnings = append(words.Warnings, set.TrustWarnings()...)
			printExplanation(s.out, words)
			return nil
		},
	}
}

// describeRoots says where each trust root comes from and how old its newest
// key is: an old root no longer knows the keys that signers use today.
func describeRoots(roots []verify.RootInfo) []string {
	var words []string
	for _, root := range roots {
		text := root.Name
		switch {
		case root.Embedded:
			text += " (embedded"
		case root.Mirrored != nil && len(root.Mirrored.TrustedRoot) == 0:
			text += " (from a mirror, no copy yet"
		case root.Mirrored != nil:
			text += fmt.Sprintf(" (from a mirror, its copy ends on %s", root.Mirrored.Ends.UTC().Format(time.DateOnly))
		default:
			text += " (from a file"
		}
		if !root.Newest.IsZero() {
			text += fmt.Sprintf(", its newest key is of %s, %d days old", root.Newest.Format(time.DateOnly), int(root.Age.Hours()/24))
		}
		words = append(words, text+")")
	}
	return words
}

func printExplanation(w io.Writer, words gate.Explanation) {
	for _, g := range words.Gates {
		kind := "gate"
		if g.Base {
			kind = "base gate"
		}
		tell(w, "%s %s  (%s)\n", kind, g.Name, g.At)
		tell(w, "  applies to %s\n  mode: %s\n", g.Applies, g.Mode)
		for _, line := range g.Lines {
			tell(w, "  %s\n", line)
		}
		fmt.Fprintln(w)
	}
	for _, p := range words.Policies {
		tell(w, "trust rule %s  (%s)\n  images: %s\n", p.Name, p.At, p.Images)
		if p.Warns {
			fmt.Fprintln(w, "  warns only")
		}
		for i, authority := range p.Authorities {
			join := "vouched for by"
			if i > 0 {
				join = "or by"
			}
			tell(w, "  %s %s\n", join, authority)
		}
		fmt.Fprintln(w)
	}
	printList(w, "trust roots", words.Roots)
	printList(w, "policies on objects", words.Documents)
	for _, warning := range words.Warnings {
		at := warning.Origin.String()
		if at != "" {
			at += ": "
		}
		tell(w, "warning: %s\n", at+warning.Message)
		if warning.Hint != "" {
			tell(w, "  %s\n", warning.Hint)
		}
	}
}

func printList(w io.Writer, title string, items []string) {
	if len(items) > 0 {
		tell(w, "%s: %s\n", title, items)
	}
}
