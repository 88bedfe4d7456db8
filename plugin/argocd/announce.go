package argocd

import "github.com/assay-gitops/assay/plugin/argocd/protocol"

// announcements are the parameters as Argo CD's user interface shows them.
func announcements() []*protocol.ParameterAnnouncement {
	var list []*protocol.ParameterAnnouncement
	for _, each := range parameters() {
		announced := &protocol.ParameterAnnouncement{
			Name: each.name, Title: each.title, Tooltip: each.tooltip, ItemType: "string", CollectionType: string(each.collection),
		}
		if each.boolean {
			announced.ItemType, announced.String_ = "boolean", "false"
		}
		list = append(list, announced)
	}
	return list
}
