package argocd

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/argocd/protocol"
	"github.com/assay-gitops/assay/plugin/render"
)

// announcements are all parameters as Argo CD's user interface shows them.
func announcements() []*protocol.ParameterAnnouncement {
	var list []*protocol.ParameterAnnouncement
	for _, each := range render.ArgoParameters() {
		announced := &protocol.ParameterAnnouncement{
			Name: each.Name, Title: each.Title, Tooltip: each.Tooltip, ItemType: "string", CollectionType: each.Collection,
		}
		if each.Boolean {
			announced.ItemType, announced.String_ = "boolean", "false"
		}
		list = append(list, announced)
	}
	return list
}

// patienceToAnnounce bounds the look at a source: people wait for it.
const patienceToAnnounce = 10 * time.Second

// announced are the parameters that have a meaning for the source in the archive,
// with what it says itself: a chart its values, a kustomization its images. All
// of them without that where it cannot be looked at, which is no error: nobody
// could set a parameter then.
func (s *Server) announced(ctx context.Context, stream stream) []*protocol.ParameterAnnouncement {
	got, err := s.received(ctx, stream)
	if err != nil {
		s.unseen(got, err)
		return announcements()
	}
	defer s.trees.release(got.tree)
	ctx, cancel := context.WithTimeout(ctx, patienceToAnnounce)
	defer cancel()
	said, err := s.look(ctx, got)
	if err != nil {
		s.unseen(got, err)
	}
	return saying(said)
}

func (s *Server) unseen(got received, err error) {
	s.door.log.Info("announcing the parameters without the source", "application", got.asked.application.Name, "error", plugin.FindingsFromError(stage, err)[0].Message)
}

// look waits for its turn beside those that are judged.
func (s *Server) look(ctx context.Context, got received) (said render.Announcement, err error) {
	defer recovered(&err)
	root, err := got.tree.wait(ctx)
	if err != nil {
		return said, err
	}
	leave, err := s.queue.enter(ctx, got.asked.application.Project)
	if err != nil {
		return said, err
	}
	defer leave()
	return render.Announce(ctx, got.asked.source(root, got.folder), s.options.Renderer) //nolint:wrapcheck // it is told as it is
}

// saying are the parameters of one renderer; of all where none is known.
func saying(said render.Announcement) []*protocol.ParameterAnnouncement {
	list := slices.DeleteFunc(announcements(), func(each *protocol.ParameterAnnouncement) bool { return !concerns(said.Kind, each.GetName()) })
	for _, each := range list {
		switch each.GetName() {
		case "helm-parameters":
			each.Map = said.Values
		case "kustomize-images":
			each.Array = said.Images
		}
	}
	return list
}

// concerns reports whether a parameter has a meaning for a renderer. Charts that a
// kustomization inflates are told versions, too.
func concerns(kind, name string) bool {
	of, _, _ := strings.Cut(name, "-")
	inflated := kind == render.KindKustomize && (name == "helm-kube-version" || name == "helm-api-versions")
	return kind == "" || of == kind || of == "renderer" || inflated
}
