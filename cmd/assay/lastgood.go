package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/spf13/cobra"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/argocd"
	"github.com/assay-gitops/assay/plugin/audit/reports"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/report"
	"github.com/assay-gitops/assay/plugin/setup"
)

// lastGood asks the store of reports for what passed, and judges it again.
type lastGood struct {
	streams
	gates   gateFlags
	address string
	token   string
}

func newLastGood(s streams) *cobra.Command {
	l := lastGood{streams: s}
	cmd := &cobra.Command{
		Use:   "last-good APP",
		Short: "name the newest revision of an Application that passes the gate now",
		Long: `last-good asks the sidecars' store of reports (assay serve --reports) what was
decided about an Application of Argo CD, and judges the manifests that passed then
by the gate as it is now, the newest first: after a signer or a digest was
withdrawn it names the revision to go back to. APP is NAME, or NAMESPACE/NAME
outside of Argo CD's own namespace.

Give the gate of the sidecars: by another one the answer holds for that gate alone,
and the command ends with 2. Manifests are judged as they were handed on, without the
values of Secrets. Lines begin with the revision; an Application with several
sources has such lines for each.

It ends with 0 when a revision passes, with 1 when none of those that are kept
does, and with 2 when that is not known.`,
		Example: "  assay last-good shop --reports http://127.0.0.1:8087 --reports-token token -g gate",
		Args:    onePath("an Application"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return l.run(cmd.Context(), args[0])
		},
	}
	set := cmd.Flags()
	set.StringArrayVarP(&l.gates.gates, "gate", "g", nil, "gate `file or folder` (repeatable); without one the embedded default gate applies")
	set.StringVar(&l.address, "reports", os.Getenv("ASSAY_REPORTS"), "`URL` of the store of reports ($ASSAY_REPORTS)")
	set.StringVar(&l.token, "reports-token", os.Getenv("ASSAY_REPORTS_TOKEN"), "`file` with its bearer token ($ASSAY_REPORTS_TOKEN)")
	set.StringVar(&l.gates.at, "at", "", "judge waivers and ages by this `time` (RFC 3339); default: now")
	offer(cmd, "at")
	return cmd
}

func (l lastGood) run(ctx context.Context, app string) error {
	if l.address == "" || l.token == "" {
		return &exit{code: exitUsage, err: errors.New("name the store by --reports and its token's file by --reports-token")}
	}
	client, err := reports.NewClient(l.address, reports.TokenFile(l.token))
	if err != nil {
		return &exit{code: exitUsage, err: err}
	}
	judge, end, err := l.judge()
	if err != nil {
		return err
	}
	defer end()
	refreshTrust(ctx, judge, l.err)
	name := strings.Replace(app, "/", "_", 1)
	seen, err := l.look(ctx, client, name, judge)
	if err != nil {
		return &exit{code: exitUndetermined, err: err}
	}
	for _, each := range seen.silent {
		fmt.Fprintf(l.err, "assay: %s did not answer, and may know more: %s\n", each.Address, report.Neutral(each.Error))
	}
	told := tellStandings(l.out, seen.standings, len(seen.silent) > 0)
	if err := sameGate(judge.Config(), seen.gates); err != nil {
		return &exit{code: exitUndetermined, err: err}
	}
	return told
}

// sameGate is an error where a sidecar judges by another gate than the one given.
func sameGate(config *gate.Config, theirs []string) error {
	ours, err := config.Digest()
	if err != nil {
		return fmt.Errorf("naming the gate: %w", err)
	}
	for _, digest := range theirs {
		if digest != ours {
			return fmt.Errorf("the sidecars judge by the gate %.200q, and the gate given is %s: what is said holds for the latter; give the sidecars' gate by --gate", digest, ours)
		}
	}
	return nil
}

// judgedHistory is what the store said of an application, judged again.
type judgedHistory struct {
	standings []reports.Standing
	gates     []string
	silent    []reports.Silent
}

// judge is the one of the doors: tags need an entry in the lock file unless the
// gate says otherwise, though what was sealed has digests.
func (l lastGood) judge() (*setup.Setup, func(), error) {
	clock, err := l.gates.clock()
	if err != nil {
		return nil, nil, &exit{code: exitUsage, err: err}
	}
	config, err := l.gates.load()
	if err != nil {
		return nil, nil, l.gates.unloaded(err)
	}
	options, err := commandCaches(l.err)
	if err != nil {
		return nil, nil, err
	}
	options.Config, options.LockRequired, options.Clock, options.Keychain = config, true, clock, authn.DefaultKeychain
	made, err := setup.New(options)
	if err != nil {
		return nil, nil, asExit(err)
	}
	return made, made.Close, nil
}

// look finds the application's project and judges its history.
func (l lastGood) look(ctx context.Context, client *reports.Client, name string, judge reports.Judge) (judgedHistory, error) {
	found, err := client.Find(ctx, name)
	if err != nil {
		return judgedHistory{}, err
	}
	if len(found.Applications) == 0 {
		for _, each := range found.Silent {
			fmt.Fprintf(l.err, "assay: %s did not answer: %s\n", each.Address, report.Neutral(each.Error))
		}
		return judgedHistory{}, fmt.Errorf("the store of reports knows no Application %s; outside of Argo CD's own namespace write NAMESPACE/NAME", name)
	}
	project := found.Applications[0].Project
	history, err := client.History(ctx, project, name)
	if err != nil {
		return judgedHistory{}, err
	}
	sealed := func(ctx context.Context, digest string) ([]byte, error) {
		return client.Sealed(ctx, project, name, digest)
	}
	return judgedHistory{reports.LastGood(ctx, history.Records, sealed, judge), found.Gates, history.Silent}, nil
}

// tellStandings says what each source's revisions are worth now.
func tellStandings(w io.Writer, standings []reports.Standing, silent bool) error {
	none, undecided := len(standings) == 0, silent
	for _, each := range standings {
		if len(standings) > 1 {
			fmt.Fprintf(w, "%s of %s:\n", report.Neutral(each.Path), report.Neutral(each.Repository))
		}
		for _, tried := range each.Tried {
			fmt.Fprintf(w, "%s  %s\n", report.Neutral(tried.Record.Revision), told(tried))
			undecided = undecided || tried.Undecided()
		}
		if _, good := each.Good(); !good {
			none = true
			fmt.Fprintf(w, "none of the %d revisions that are kept passes\n", len(each.Tried))
		}
	}
	switch {
	case !none:
		return nil
	case undecided:
		return &exit{code: exitUndetermined, err: errors.New("whether another revision passes is not known")}
	}
	return &exit{code: exitDenied}
}

func told(tried reports.Tried) string {
	at := tried.Record.Time.UTC().Format(time.RFC3339)
	switch {
	case tried.Problem != nil:
		return fmt.Sprintf("passed at %s; %s", at, report.Neutral(tried.Problem.Error()))
	case tried.Now == nil:
		return fmt.Sprintf("did not pass at %s: %s", at, report.Neutral(tried.Record.FirstLine))
	case tried.Now.Allowed():
		return "passes, as at " + at
	case tried.Now.Outcome() == plugin.Unanswered:
		return fmt.Sprintf("passed at %s, and now: %s", at, argocd.Door().Headline(tried.Now))
	}
	return fmt.Sprintf("passed at %s, and no longer: %s", at, argocd.Door().Headline(tried.Now))
}
