package argocd

import (
	"github.com/assay-gitops/assay/plugin/argocd/protocol"
	"github.com/assay-gitops/assay/plugin/render"
)

// announcements are the parameters as Argo CD's user interface shows them.
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
