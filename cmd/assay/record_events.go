package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/assay-gitops/assay/plugin/audit"
	"github.com/assay-gitops/assay/plugin/audit/cluster"
	"github.com/assay-gitops/assay/plugin/audit/events"
)

// writeEvents starts the writer of Events, which uses the service account of its
// own container.
func (r *recording) writeEvents(ctx context.Context, f recordFlags, log *slog.Logger) error {
	if !f.events {
		return nil
	}
	api, err := cluster.InCluster()
	if err != nil {
		return fmt.Errorf("setting up Events: %w; mount the token into assay's container (manifests/argocd/events), or leave --events out", err)
	}
	r.tellEvents(ctx, &events.Writer{API: api, Namespace: f.namespace, Clock: time.Now}, log)
	return nil
}

func (r *recording) tellEvents(ctx context.Context, writer *events.Writer, log *slog.Logger) {
	r.counters.Writer = writer
	ctx, cancel := context.WithCancel(ctx)
	r.counters.Events = r.start(audit.SinkOptions{What: "an Event", Take: writer.Take, Log: log}, func() error {
		cancel()
		return nil
	})
	go writer.Run(ctx, r.counters.Events.Lost)
}
