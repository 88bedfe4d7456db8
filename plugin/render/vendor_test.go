package render

import (
	"reflect"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

func TestVendor_TwoAliasesOfOneChartAreOneArchive(t *testing.T) {
	p := newPinnedChart()
	entry := "- name: x\n  version: 1.x.x\n  repository: https://charts.example.com\n  alias: "
	root := writeTree(t, p.files("Chart.yaml", goodChart+"dependencies:\n"+entry+"one\n"+entry+"two\n",
		"Chart.lock", chartLock+strings.TrimPrefix(chartLock, "dependencies:\n")))
	written, err := Vendor(t.Context(), VendorOptions{Root: root, Path: ".", Charts: p.charts, Limits: plugin.DefaultLimits()})
	if err != nil || len(written) != 1 || p.charts.fetched != 1 {
		t.Errorf("got %v %v, fetched %d times", written, err, p.charts.fetched)
	}
}

func TestVendor_ArchivesOfOtherVersionsGo(t *testing.T) {
	p := newPinnedChart()
	root := writeTree(t, p.files("charts/x-0.9.0.tgz", p.archive, "charts/folder/Chart.yaml", "apiVersion: v2\nname: folder\nversion: 1.0.0\n"))
	if _, err := Vendor(t.Context(), VendorOptions{Root: root, Path: ".", Charts: p.charts, Limits: plugin.DefaultLimits()}); err != nil {
		t.Fatal(err)
	}
	names, err := newTree(root, plugin.DefaultLimits()).readDir("charts")
	if err != nil || !reflect.DeepEqual(names, []string{"folder", "x-1.0.0.tgz"}) {
		t.Errorf("charts holds %q %v", names, err)
	}
}
