package main

import (
	"context"
	"fmt"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/migrate"
	"github.com/assay-gitops/assay/plugin/migrate/live"
)

// ofCluster reads a cluster, and prints or writes what is made of it.
func (m *migrator) ofCluster(ctx context.Context, options migrate.Options) error {
	cluster, err := live.Connect(m.cluster)
	if err != nil {
		return &exit{code: exitUsage, err: err}
	}
	objects, err := cluster.Read(ctx)
	if err != nil {
		return asExit(fmt.Errorf("%w; nothing was rewritten", err))
	}
	byName := map[string]live.Object{}
	var documents []migrate.File
	var owned []migrate.Problem
	for _, object := range objects {
		if object.Owner != "" {
			owned = append(owned, fromOwner(object.Name, object.Owner))
			continue
		}
		byName[object.Name] = object
		documents = append(documents, migrate.File{Path: object.Name, Old: object.Text})
	}
	result, err := migrate.Documents(ctx, options, documents)
	if err != nil {
		return asExit(err)
	}
	var changes []live.Change
	for _, file := range result.Files {
		if file.MayWrite(m.unproven) {
			changes = append(changes, live.Change{Object: byName[file.Path], Text: file.New})
		}
	}
	if m.inPlace {
		if err := cluster.Write(ctx, changes); err != nil {
			return asExit(&plugin.StageError{Stage: "cluster", Subject: cluster.Host, Cause: err})
		}
	}
	m.problems("owned", owned)
	return m.tellCluster(cluster, result, changes, len(objects))
}

// tellCluster prints the manifests, or which were written, and what stands in the
// way.
func (m *migrator) tellCluster(cluster *live.Cluster, result migrate.Result, changes []live.Change, read int) error {
	if m.format == "json" {
		return m.tell(result)
	}
	done := "printed; apply them, or run it with --in-place to write"
	for i, change := range changes {
		switch {
		case m.inPlace:
			tell(m.out, "wrote %s\n", change.Object.Name)
		case i > 0:
			fmt.Fprintf(m.out, "---\n%s", change.Text)
		default:
			fmt.Fprintf(m.out, "%s", change.Text)
		}
		if by := change.Object.Tracked(); by != "" {
			tell(m.err, "kept by Git: %s: the Application %s keeps it as it is in its repository; move it there\n", change.Object.Name, by)
		}
	}
	if m.inPlace {
		done = "written"
	}
	m.say(result)
	tell(m.err, "%s read from %s with %s; %s proven to render to the same objects, %s "+done+"\n",
		counted(read, "object"), cluster.Host, counted(cluster.Requests(), "request"), counted(proven(result), "source"), counted(len(changes), "manifest"))
	if err := m.added(result); err != nil {
		return err
	}
	return ends(m.ending(result))
}
