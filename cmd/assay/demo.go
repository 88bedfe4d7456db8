package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/assay-gitops/assay/examples/showcase"
)

func newDemo(s streams) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "walk through an application that passes and one that is denied",
		Long: `demo starts a registry on loopback, pushes images that it builds in memory, signs
them with a key and with keyless identities of a throw-away Sigstore, and judges
two applications, printing each command.

On a terminal the registry stays up until Enter is pressed, so that every
command can be repeated in another terminal. With --dir the files are kept.`,
		Example: "  assay demo\n  assay demo --dir /tmp/assay-demo",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := demo(cmd.Context(), s, dir); err != nil {
				return &exit{code: exitUndetermined, err: err}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "`folder` for the demo's files; it must be empty or absent, and is kept")
	offerFolders(cmd, "dir")
	return cmd
}

// act is one command of the walk, and the exit code that the story expects.
type act struct {
	says string
	args []string
	code int
}

func demo(ctx context.Context, s streams, dir string) error {
	dir, cleanup, err := demoDir(dir)
	if err != nil {
		return err
	}
	defer cleanup()
	show, err := showcase.Start(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { _ = show.Close() }()
	if err := os.Chdir(dir); err != nil { // so that the commands are short, and can be repeated as they are
		return fmt.Errorf("preparing the demo: %w", err)
	}
	fmt.Fprintf(s.out, "A registry with signed images listens on %s.\n\n$ cd %s\n", show.Registry.Host(), dir)
	for _, act := range acts() {
		fmt.Fprintf(s.out, "\n# %s\n$ assay%s\n", act.says, quoted(act.args))
		if code := run(ctx, streams{in: s.in, out: s.out, err: s.out}, act.args); code != act.code {
			return fmt.Errorf("running the demo: assay%s ended with exit code %d, not %d", quoted(act.args), code, act.code)
		}
		fmt.Fprintf(s.out, "(exit code %d)\n", act.code)
	}
	return hold(s)
}

func acts() []act {
	judged := func(args ...string) []string { return append(args, "--gate", "gate", "--project", "team-a") }
	return []act{
		{"What does the gate demand?", []string{"gate", "check", "gate"}, exitAllowed},
		{"An application whose images are signed: yes.", judged("check", "shop/overlays/prod"), exitAllowed},
		{"Which digest stands for which tag? Reviewed and committed, the lock file decides from now on.", judged("lock", "shop/overlays/prod"), exitAllowed},
		{"An application with five objects, each denied for a reason of its own, all told at once.", judged("check", "cart"), exitDenied},
		{"Why does one of these rules exist?", []string{"explain", "image/not-signed"}, exitAllowed},
		{"Nobody has said yet whom to trust for its images: who signed them, and a gate to review.", judged("init", "cart"), exitAllowed},
	}
}

func demoDir(dir string) (string, func(), error) {
	if dir == "" {
		made, err := os.MkdirTemp("", "assay-demo-")
		return made, func() { _ = os.RemoveAll(made) }, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", nil, err
	}
	if len(entries) > 0 {
		return "", nil, errors.New("preparing the demo: " + dir + " is not empty; name another folder")
	}
	return dir, func() {}, nil
}

// hold keeps the registry up while a person is there to use it.
func hold(s streams) error {
	if !isTerminal(s.out) {
		return nil
	}
	input, ok := s.in.(*os.File)
	if !ok || !isTerminal(input) {
		return nil
	}
	fmt.Fprint(s.out, "\nThe registry is up until you press Enter. ")
	_, _ = bufio.NewReader(input).ReadString('\n')
	return nil
}

func quoted(args []string) string {
	text := ""
	for _, arg := range args {
		text += " " + arg
	}
	return text
}
