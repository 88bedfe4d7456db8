//go:build e2e

package monitoring_test

// scene is what an alert fires on, and the same with one thing changed. Series
// have one value a minute, as promtool writes them: "start+step x times".
type scene struct {
	alert         string
	at            string
	fires, silent []string
}

func scenes() []scene {
	allowed := `assay_requests_total{outcome="allowed",stage="verdict"} = 0+90x60`
	return []scene{
		{
			alert: "AssayNoAnswers", at: "30m",
			fires:  []string{allowed, `assay_requests_total{outcome="undetermined",stage="image"} = 0+20x60`},
			silent: []string{allowed, `assay_requests_total{outcome="undetermined",stage="image"} = 0+5x60`},
		},
		{
			alert: "AssayRegistryFails", at: "30m",
			fires:  []string{`assay_registry_requests_total{host="a.example.com",status="200"} = 0+60x60`, `assay_registry_requests_total{host="a.example.com",status="429"} = 0+40x60`},
			silent: []string{`assay_registry_requests_total{host="a.example.com",status="200"} = 0+60x60`, `assay_registry_requests_total{host="a.example.com",status="401"} = 0+40x60`},
		},
		{
			alert: "AssayRegistryFails", at: "30m", // no answer at all
			fires:  []string{`assay_registry_requests_total{host="a.example.com",status="0"} = 0+1x60`},
			silent: []string{`assay_registry_requests_total{host="a.example.com",status="404"} = 0+1x60`},
		},
		{
			alert: "AssayDenialBurst", at: "26h",
			fires:  []string{`assay_requests_total{outcome="denied",stage="image"} = 0+1x1530 1530+20x30`},
			silent: []string{`assay_requests_total{outcome="denied",stage="image"} = 0+20x1560`},
		},
		{
			alert: "AssayDenialBurst", at: "26h", // few are no burst, however quiet it was before
			fires:  []string{`assay_requests_total{outcome="denied",stage="image"} = 0x1530 0+2x30`},
			silent: []string{`assay_requests_total{outcome="denied",stage="image"} = 0x1530 0+1x30`},
		},
		{
			alert: "AssayStageStopped", at: "30m",
			fires:  []string{`assay_findings_total{rule="judge/panic",level="deny"} = 0 0 1x60`},
			silent: []string{`assay_findings_total{rule="judge/failed",level="deny"} = 0 0 1x60`},
		},
		{
			alert: "AssayGateDoesNotLoad", at: "10m",
			fires:  []string{`assay_gate_loads{instance="a"} = 0x60`, `assay_gate_current{instance="a"} = 0x60`},
			silent: []string{`assay_gate_loads{instance="a"} = 1x60`, `assay_gate_current{instance="a"} = 0x60`},
		},
		{
			alert: "AssayGateNotInUse", at: "20m",
			fires:  []string{`assay_gate_loads{instance="a"} = 1x60`, `assay_gate_current{instance="a"} = 0x60`},
			silent: []string{`assay_gate_loads{instance="a"} = 1x60`, `assay_gate_current{instance="a"} = 1x60`},
		},
		{
			alert: "AssayGateNotInUse", at: "20m", // a replica that has just begun to differ
			fires:  []string{`assay_gate_loads{instance="a"} = 1x60`, `assay_gate_current{instance="a"} = 0x60`},
			silent: []string{`assay_gate_loads{instance="a"} = 1x60`, `assay_gate_current{instance="a"} = 1x10 0x50`},
		},
		{
			alert: "AssayGatesDiffer", at: "40m",
			fires:  []string{`assay_gate_info{namespace="argocd",job="a",pod="a",digest="sha256:1"} = 1x60`, `assay_gate_info{namespace="argocd",job="a",pod="b",digest="sha256:2"} = 1x60`},
			silent: []string{`assay_gate_info{namespace="argocd",job="a",pod="a",digest="sha256:1"} = 1x60`, `assay_gate_info{namespace="argocd",job="a",pod="b",digest="sha256:1"} = 1x60`},
		},
		{
			alert: "AssayGatesDiffer", at: "40m", // the doors may have gates of their own
			fires:  []string{`assay_gate_info{namespace="x",job="a",pod="a",digest="sha256:1"} = 1x60`, `assay_gate_info{namespace="x",job="a",pod="b",digest="sha256:2"} = 1x60`},
			silent: []string{`assay_gate_info{namespace="x",job="a",pod="a",digest="sha256:1"} = 1x60`, `assay_gate_info{namespace="x",job="b",pod="b",digest="sha256:2"} = 1x60`},
		},
		{
			alert: "AssayTrustRootUnusable", at: "10m",
			fires:  []string{`assay_trust_root_usable{root="private"} = 0x60`},
			silent: []string{`assay_trust_root_usable{root="private"} = 1x60`},
		},
		{
			alert: "AssayTrustRootExpires", at: "90m",
			fires:  []string{`assay_trust_root_usable{root="private"} = 1x120`, `assay_trust_root_expires_in_seconds{root="private"} = 100000x120`},
			silent: []string{`assay_trust_root_usable{root="private"} = 1x120`, `assay_trust_root_expires_in_seconds{root="private"} = 200000x120`},
		},
		{
			alert: "AssayTrustRootNotRenewed", at: "7h",
			fires:  []string{`assay_trust_root_renewed{root="private"} = 0x480`},
			silent: []string{`assay_trust_root_renewed{root="private"} = 0x300 1 0x180`},
		},
		{
			alert: "AssayTrustRootEnds", at: "90m",
			fires:  []string{`assay_findings_total{rule="gate/trust-root",level="warn"} = 0+1x120`},
			silent: []string{`assay_findings_total{rule="gate/trust-root",level="warn"} = 7x120`},
		},
		{
			alert: "AssayWaiverEndsSoon", at: "90m",
			fires:  []string{`assay_waiver_ends_in_seconds{pod="a"} = 600000x120`},
			silent: []string{`assay_waiver_ends_in_seconds{pod="a"} = 700000x120`},
		},
		{
			alert: "AssayBreakGlass", at: "5m",
			fires:  []string{`assay_break_glass{pod="a"} = 1x60`},
			silent: []string{`assay_break_glass{pod="a"} = 0x60`},
		},
		{
			alert: "AssayCacheRefused", at: "30m",
			fires:  []string{`assay_disk_facts_total{cache="refused"} = 0 0 0 3x60`},
			silent: []string{`assay_disk_facts_total{cache="miss"} = 0 0 0 3x60`},
		},
		{
			alert: "AssayCacheNotWritten", at: "40m",
			fires:  []string{`assay_disk_facts_failed_total = 0+1x60`},
			silent: []string{`assay_disk_facts_failed_total = 0+1x10 10x50`},
		},
		{
			alert: "AssayTracesLost", at: "50m",
			fires:  []string{`assay_trace_exports_failed_total = 0+1x60`},
			silent: []string{`assay_trace_exports_failed_total = 5x60`},
		},
		{
			alert: "AssaySidecarAbsent", at: "15m",
			fires:  []string{`assay_judging = 0x60`},
			silent: []string{`assay_ready = 1x60`},
		},
		{
			alert: "AssaySidecarNotReady", at: "10m",
			fires:  []string{`assay_ready{pod="a"} = 1x60`, `assay_ready{pod="b"} = 0x60`},
			silent: []string{`assay_ready{pod="a"} = 1x60`, `assay_ready{pod="b"} = 1x60`},
		},
		{
			alert: "AssayQueueFull", at: "10m",
			fires:  []string{`assay_judging = 8x60`, `assay_places = 8x60`, `assay_waiting = 3x60`},
			silent: []string{`assay_judging = 8x60`, `assay_places = 8x60`, `assay_waiting = 0x60`},
		},
		{
			alert: "AssaySlow", at: "30m",
			fires: []string{
				`assay_request_seconds_bucket{code="OK",le="10"} = 0+90x60`, `assay_request_seconds_bucket{code="OK",le="30"} = 0+90x60`,
				`assay_request_seconds_bucket{code="OK",le="60"} = 0+100x60`, `assay_request_seconds_bucket{code="OK",le="+Inf"} = 0+100x60`,
			},
			silent: []string{
				`assay_request_seconds_bucket{code="OK",le="10"} = 0+90x60`, `assay_request_seconds_bucket{code="OK",le="30"} = 0+99x60`,
				`assay_request_seconds_bucket{code="OK",le="60"} = 0+100x60`, `assay_request_seconds_bucket{code="OK",le="+Inf"} = 0+100x60`,
			},
		},
		{
			alert: "AssayAuditFails", at: "10m",
			fires:  []string{`assay_audit_failures_total{instance="a"} = 0 0 2x30`},
			silent: []string{`assay_audit_records_total{instance="a"} = 0 0 2x30`},
		},
		{
			alert: "AssayReportsFail", at: "40m",
			fires:  []string{`assay_reports_failures_total{instance="a"} = 0+1x60`},
			silent: []string{`assay_reports_failures_total{instance="a"} = 3x60`},
		},
		{
			alert: "AssayEventsFail", at: "40m",
			fires:  []string{`assay_events_failures_total{instance="a"} = 0+1x60`},
			silent: []string{`assay_events_failures_total{instance="a"} = 3x60`},
		},
		{
			alert: "AssayRefreshAbsent", at: "20m",
			fires:  []string{`assay_refresh_leading{pod="a"} = 0x60`, `assay_refresh_leading{pod="b"} = 0x60`},
			silent: []string{`assay_refresh_leading{pod="a"} = 0x60`, `assay_refresh_leading{pod="b"} = 1x60`},
		},
		{
			alert: "AssayRefreshFails", at: "50m",
			fires:  []string{`assay_refresh_rounds_total{outcome="complete"} = 7x60`, `assay_refresh_rounds_total{outcome="partial"} = 0+2x60`},
			silent: []string{`assay_refresh_rounds_total{outcome="complete"} = 0+2x60`, `assay_refresh_rounds_total{outcome="partial"} = 0+2x60`},
		},
		{
			alert: "AssayRefreshFails", at: "50m", // none was ever completed
			fires:  []string{`assay_refresh_rounds_total{outcome="failed"} = 0+2x60`},
			silent: []string{`assay_refresh_rounds_total{outcome="complete"} = 0+2x60`},
		},
		{
			alert: "AssayRefreshRefused", at: "40m",
			fires:  []string{`assay_refresh_refused_total{reason="Forbidden"} = 0+1x60`},
			silent: []string{`assay_refresh_refused_total{reason="Forbidden"} = 4x60`},
		},
		{
			alert: "AssayRefreshHeld", at: "40m",
			fires:  []string{`assay_refresh_held = 12x60`},
			silent: []string{`assay_refresh_held = 12x20 0x40`},
		},
		{
			alert: "AssayWithdrawnTrustInUse", at: "30m",
			fires:  []string{`assay_refresh_concerned{reason="withdrawn-trust"} = 2x60`},
			silent: []string{`assay_refresh_concerned{reason="changed-gate"} = 2x60`},
		},
		{
			alert: "AssaySourceAbsent", at: "15m",
			fires:  []string{`controller_runtime_max_concurrent_reconciles{controller="helmrelease"} = 4x60`},
			silent: []string{`controller_runtime_max_concurrent_reconciles{controller="gatedsource"} = 4x60`},
		},
		{
			alert: "AssayGatedSourceStalled", at: "15m",
			fires:  []string{`gotk_reconcile_condition{kind="GatedSource",namespace="team-a",name="app",type="Stalled",status="True"} = 1x60`},
			silent: []string{`gotk_reconcile_condition{kind="GatedSource",namespace="team-a",name="app",type="Stalled",status="Unknown"} = 1x60`},
		},
		{
			alert: "AssayGatedSourceNotReady", at: "90m",
			fires:  []string{`gotk_reconcile_condition{kind="GatedSource",namespace="team-a",name="app",type="Ready",status="False"} = 1x120`},
			silent: []string{`gotk_reconcile_condition{kind="GatedSource",namespace="team-a",name="app",type="Ready",status="True"} = 1x120`},
		},
		{
			alert: "AssayGatedSourceNotReady", at: "90m", // a suspended one is meant to rest
			fires: []string{
				`gotk_reconcile_condition{kind="GatedSource",namespace="team-a",name="app",type="Ready",status="Unknown"} = 1x120`,
				`gotk_suspend_status{kind="GatedSource",namespace="team-a",name="app"} = 0x120`,
			},
			silent: []string{
				`gotk_reconcile_condition{kind="GatedSource",namespace="team-a",name="app",type="Ready",status="Unknown"} = 1x120`,
				`gotk_suspend_status{kind="GatedSource",namespace="team-a",name="app"} = 1x120`,
			},
		},
		{
			alert: "AssayPublishingFails", at: "40m",
			fires:  []string{`assay_not_judged_total{reason="StorageOperationFailed"} = 0+1x60`},
			silent: []string{`assay_not_judged_total{reason="SourceNotFound"} = 0+1x60`},
		},
		{
			alert: "AssaySourceBehind", at: "20m",
			fires:  []string{`workqueue_depth{name="gatedsource"} = 30x60`},
			silent: []string{`workqueue_depth{name="gatedsource"} = 3x60`},
		},
	}
}
