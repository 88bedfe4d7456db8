package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/audit/cluster"
	"github.com/assay-gitops/assay/plugin/report"
)

func policyFormats() []string { return []string{"policyreport", "openreports"} }

const (
	// mostWaiting bounds the reports that wait to be written; what does not fit is
	// dropped, and written after the application's next refresh.
	mostWaiting = 256
	// mostKnown bounds the reports of which it is remembered that they are written.
	mostKnown = 10_000
)

// tellCluster starts the writer of policy reports, which uses the service
// account of its own container. Without a format there is none.
func tellCluster(ctx context.Context, format string, log *slog.Logger) (told func(*plugin.Verdict), stop func(), err error) {
	if format == "" {
		return nil, func() {}, nil
	}
	if !slices.Contains(policyFormats(), format) {
		return nil, nil, &exit{code: exitUsage, err: fmt.Errorf("reading --policy-report: %q is none of %s", format, strings.Join(policyFormats(), ", "))}
	}
	api, err := cluster.InCluster()
	if err != nil {
		return nil, nil, fmt.Errorf("setting up policy reports: %w; mount the token into assay's container (manifests/argocd/policy-reports), or leave --policy-report out", err)
	}
	writer := newClusterWriter(format, api, log)
	ctx, cancel := context.WithCancel(ctx)
	go writer.run(ctx)
	return writer.tell, cancel, nil
}

// clusterWriter writes policy reports one after another, beside the answers: a
// report that cannot be written changes no verdict.
type clusterWriter struct {
	format  string
	api     *cluster.API
	log     *slog.Logger
	waiting chan report.PolicyReport
	// known has the hash of what was last written under an address.
	known map[string][sha256.Size]byte
	// failing has what was last said of an address that cannot be written.
	failing map[string]string
}

func newClusterWriter(format string, api *cluster.API, log *slog.Logger) *clusterWriter {
	return &clusterWriter{
		format: format, api: api, log: log,
		waiting: make(chan report.PolicyReport, mostWaiting), known: map[string][sha256.Size]byte{}, failing: map[string]string{},
	}
}

// tell takes a verdict without waiting.
func (c *clusterWriter) tell(v *plugin.Verdict) {
	made, err := report.NewPolicyReport(v, c.format, report.Options{Rule: rulePages(), Version: report.Version(version)})
	switch {
	case err != nil:
		c.log.Error("a policy report could not be made", "application", v.Application.Name, "error", err.Error())
		return
	case made.Metadata.Namespace == "":
		return // an application without a namespace has no place for a report
	}
	select {
	case c.waiting <- made:
	default:
		c.log.Warn("a policy report is dropped, as too many wait to be written", "application", v.Application.Name)
	}
}

func (c *clusterWriter) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case made := <-c.waiting:
			c.try(ctx, made)
		}
	}
}

// try writes a report, and tells the log when it cannot: every refresh tries
// again, so the same words about the same report are told once.
func (c *clusterWriter) try(ctx context.Context, made report.PolicyReport) {
	of := made.Metadata.Namespace + "/" + made.Metadata.Name
	err := c.write(ctx, made)
	if err == nil {
		delete(c.failing, of)
		return
	}
	words := report.Neutral(err.Error())
	if c.failing[of] == words || ctx.Err() != nil {
		return
	}
	if len(c.failing) >= mostKnown {
		clear(c.failing)
	}
	c.failing[of] = words
	c.log.Warn("a policy report could not be written", "namespace", made.Metadata.Namespace, "name", made.Metadata.Name, "error", words)
}

// write applies the report on the server (server-side apply makes it or
// replaces what assay wrote before), unless it says what the last one said.
func (c *clusterWriter) write(ctx context.Context, made report.PolicyReport) error {
	address := fmt.Sprintf("/apis/%s/namespaces/%s/%ss/%s?fieldManager=assay&force=true", made.APIVersion,
		url.PathEscape(made.Metadata.Namespace), strings.ToLower(made.Kind), url.PathEscape(made.Metadata.Name))
	hash, err := contentOf(made)
	if err != nil || c.known[address] == hash {
		return err
	}
	body, err := json.Marshal(made)
	if err != nil {
		return err
	}
	if _, err := c.api.Send(ctx, cluster.Request{Method: http.MethodPatch, Path: address, Type: "application/apply-patch+yaml", Body: body}); err != nil {
		return err
	}
	if len(c.known) >= mostKnown {
		clear(c.known)
	}
	c.known[address] = hash
	return nil
}

// contentOf tells a report apart from others, whenever it was made.
func contentOf(made report.PolicyReport) ([sha256.Size]byte, error) {
	made.Results = slices.Clone(made.Results)
	for i := range made.Results {
		made.Results[i].Timestamp = report.PolicyReportTime{}
	}
	text, err := json.Marshal(made)
	return sha256.Sum256(text), err
}
