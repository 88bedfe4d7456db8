package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview"
	"github.com/assay-gitops/assay/plugin/preview/change"
	"github.com/assay-gitops/assay/plugin/preview/comment"
	"github.com/assay-gitops/assay/plugin/preview/page"
	"github.com/assay-gitops/assay/plugin/preview/revision"
	"github.com/assay-gitops/assay/plugin/report"
)

func newDiff(s streams) *cobra.Command {
	d := differ{streams: s}
	cmd := &cobra.Command{
		Use:   "diff BASE [HEAD]",
		Short: "show what a change will really deploy, and whom it makes you trust",
		Long: `diff finds what a repository deploys on two revisions (Argo CD's Applications and
ApplicationSets, Flux's Kustomizations, HelmReleases and GatedSources, or plain
kustomizations, charts and folders where there are neither), judges what the
change affects under one gate, and reports the difference between the hardened
manifests: objects, images and who vouches for them, findings, waivers.

BASE and HEAD are revisions of the Git repository around the working directory,
or two folders. Without HEAD the working tree is compared with BASE; BASE...HEAD
compares HEAD with the commit where it left BASE, as a pull request does. Nothing
is checked out, and no cluster is asked.

It ends with 1 only for denials that the change brings, and with 2 for questions
without an answer that it brings: what was wrong before does not block new work. A comment
that is refused is told on standard error, and changes nothing about that.`,
		Example: `  assay diff main
  assay diff origin/main...HEAD -g gate --output markdown
  assay diff v1.2.0 v1.3.0 -g gate --report json=preview.json
  assay diff before/ after/ --ignore ConfigMap/*:data.build-time`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error { return d.run(cmd.Context(), args) },
	}
	d.gates.add(cmd)
	d.add(cmd)
	return cmd
}

// differ is one comparison from the command line.
type differ struct {
	streams
	gates gateFlags

	format, link, at, kubeVersion, comment, id                         string
	files, ignore, sources, repositories, branches, clusters, versions []string
	lenient, all, undefined                                            bool
}

func (d *differ) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVarP(&d.format, "output", "o", "text", "report `format`: "+strings.Join(page.Formats(), ", "))
	flags.StringArrayVar(&d.files, "report", nil, "also write a report to a file, as `format=file` (repeatable)")
	flags.StringVar(&d.comment, "comment", "", "post the report to the pull request that the job runs for: "+strings.Join(comment.Services(), " or "))
	flags.StringVar(&d.id, "comment-id", "default", "`name` of the comment, where several reports go to one pull request")
	flags.StringVar(&d.link, "link", "", "`URL` of the whole report, for a comment that had to be cut")
	flags.StringArrayVar(&d.ignore, "ignore", nil, "fold differences of these fields, as `Kind/name:path` with * (repeatable)")
	flags.StringArrayVar(&d.repositories, "repository", nil, "`URL` that means this repository (repeatable); default: its remotes")
	flags.StringArrayVar(&d.branches, "branch", nil, "`name` of a branch that means what is compared (repeatable); default: the compared branch and the default branch")
	flags.StringArrayVar(&d.sources, "source", nil, "copy of another repository that is a source, as `URL=folder` (repeatable)")
	flags.StringArrayVar(&d.clusters, "clusters", nil, "`file` with Argo CD's cluster Secrets, for the cluster generator (repeatable)")
	flags.StringVar(&d.kubeVersion, "kube-version", "", "Kubernetes `version` for charts")
	flags.StringArrayVar(&d.versions, "api-versions", nil, "API `version` for charts, as apps/v1/Deployment (repeatable)")
	flags.BoolVar(&d.lenient, "lenient", false, "warn about images that no trust rule covers, instead of denying them")
	flags.StringVar(&d.at, "at", "", "judge waivers and ages by this `time` (RFC 3339); default: now")
	flags.BoolVar(&d.all, "all", false, "judge also applications that the change does not affect")
	flags.BoolVar(&d.undefined, "plain", false, "look at plain kustomizations, charts and folders also where there are definitions")
	offer(cmd, "output", page.Formats()...)
	offer(cmd, "comment", comment.Services()...)
}

func (d *differ) run(ctx context.Context, args []string) error {
	files, err := d.reports()
	if err != nil {
		return &exit{code: exitUsage, err: err}
	}
	target, err := d.target()
	if err != nil {
		return &exit{code: exitUsage, err: err}
	}
	compare := change.Options{Limits: plugin.DefaultLimits()}
	for _, text := range d.ignore {
		pattern, err := change.ParseIgnore(text)
		if err != nil {
			return &exit{code: exitUsage, err: err}
		}
		compare.Ignore = append(compare.Ignore, pattern)
	}
	asked := revision.Options{Base: args[0], Limits: plugin.DefaultLimits()}
	if len(args) > 1 {
		asked.Head = args[1]
	}
	options := preview.Options{
		Compare: compare, Undefined: d.undefined, All: d.all,
		Parameters: plugin.HelmParameters{KubeVersion: d.kubeVersion, APIVersions: d.versions},
	}
	if options.Sources, err = folders(d.sources); err != nil {
		return &exit{code: exitUsage, err: err}
	}
	for _, file := range d.clusters {
		objects, err := readLive(ctx, file)
		if err != nil {
			return &exit{code: exitUsage, err: err}
		}
		options.Clusters = append(options.Clusters, objects...)
	}
	result, err := d.compare(ctx, asked, options)
	if err != nil {
		return err
	}
	err = errors.Join(d.write(result, files), d.print(result))
	if refused := d.post(ctx, target, result); refused != nil { // it is told, and the verdict stays what it is
		report.WriteError(d.err, "assay", refused)
	}
	if err != nil {
		return &exit{code: cmp.Or(ending(result), exitUndetermined), err: err}
	}
	if code := ending(result); code != exitAllowed {
		return &exit{code: code}
	}
	return nil
}

// ending is 1 for denials that the change brings, 2 for questions without an
// answer that it brings.
func ending(result change.Report) int {
	switch {
	case result.Summary.NewDenials > 0:
		return exitDenied
	case result.Summary.NewUndetermined > 0:
		return exitUndetermined
	}
	return exitAllowed
}

// compare opens both sides and the gates, and judges.
func (d *differ) compare(ctx context.Context, asked revision.Options, options preview.Options) (change.Report, error) {
	d.gates.lenient, d.gates.at = d.lenient, d.at
	j := job{streams: d.streams, gates: &d.gates, render: &renderFlags{}, encoding: plugin.JSONEncoding{}, compares: true, does: "reading both sides"}
	s, bar, end, err := j.begin(ctx)
	if err != nil {
		return change.Report{}, err
	}
	defer end()
	sides, err := revision.Open(ctx, asked)
	if err != nil {
		return change.Report{}, openFailed(err)
	}
	defer func() { _ = sides.Close() }() // what is left is in the folder for temporary files
	if options.At, err = d.now(); err != nil {
		return change.Report{}, err
	}
	options.Setup, options.Readings, options.Progress = s, d.readings(sides), bar.begin
	options.Base, options.Head, options.Below = d.side(sides, sides.Base), d.side(sides, sides.Head), sides.Path
	options.Head.Unseen = append(options.Head.Unseen, absent(sides.Notes)...)
	result, err := preview.Run(ctx, options)
	if err != nil {
		return change.Report{}, asExit(err)
	}
	return result, nil
}

// reports reads the values of --report, before anything is judged.
func (d *differ) reports() ([]reportFile, error) {
	if !slices.Contains(page.Formats(), d.format) {
		return nil, fmt.Errorf("reading --output %q: write one of %s", d.format, strings.Join(page.Formats(), ", "))
	}
	return parseFiles(d.files, func(format string) error {
		if !slices.Contains(page.Formats(), format) {
			return fmt.Errorf("%q is none of %s", format, strings.Join(page.Formats(), ", "))
		}
		return nil
	})
}

// write writes every report that was asked for to its file, and goes on after
// one that cannot be written.
func (d *differ) write(result change.Report, files []reportFile) error {
	var failed []error
	for _, each := range files {
		var text bytes.Buffer
		if err := page.Write(&text, each.format, result, d.pages()); err != nil {
			failed = append(failed, err)
			continue
		}
		failed = append(failed, writeAtomically(each.file, text.Bytes()))
	}
	return errors.Join(failed...)
}

func (d *differ) print(result change.Report) error {
	options := d.pages()
	options.Color, options.Width = wantsColor(d.out), terminalWidth(d.out)
	if err := page.Write(d.out, d.format, result, options); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

// pages are what every report of this comparison shares.
func (d *differ) pages() page.Options {
	return page.Options{Link: d.link, Rule: rulePages(), Version: report.Version(version), ID: d.id}
}

// target is where the report is posted to, as the job's environment says. What
// is missing there is told before anything is judged.
func (d *differ) target() (comment.Target, error) {
	if d.comment == "" {
		return comment.Target{}, nil
	}
	return comment.FromEnvironment(d.comment, os.Getenv)
}

// post posts the report as Markdown of the length that the service takes.
func (d *differ) post(ctx context.Context, target comment.Target, result change.Report) error {
	if d.comment == "" {
		return nil
	}
	options := d.pages()
	options.Characters = comment.Limit(d.comment)
	var text strings.Builder
	if err := page.Write(&text, "markdown", result, options); err != nil {
		return err
	}
	return comment.Poster{}.Post(ctx, d.comment, target, page.MarkdownMarker(d.id), text.String())
}
