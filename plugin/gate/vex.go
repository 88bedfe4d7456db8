package gate

// VEX says whose word takes a vulnerability out of a scan: OpenVEX documents
// that are attested about the image. Without signers nobody's does.
type VEX struct {
	// Signers are names of ClusterImagePolicies that say who may sign. They are
	// asked about every image of a demand for a scan, and required of none.
	Signers []string `yaml:"signers"`
	// MaxAge ends what a statement says that long after it was made; then it is a
	// finding.
	MaxAge Duration `yaml:"maxAge,omitempty"`
	// Statuses are those that count: "not_affected" and "fixed" (default both).
	Statuses []string `yaml:"statuses,omitempty"`
	// AllowImageSigner accepts statements of who signed the image or the scan.
	// Who builds an image has reason to call it harmless.
	AllowImageSigner bool `yaml:"allowImageSigner,omitempty"`
}

// VEXStatuses are the statuses that may take a vulnerability out.
func VEXStatuses() []string { return []string{"not_affected", "fixed"} }

// checkVEX refuses signers that are not loaded, and statuses that leave the
// vulnerability where it is.
func (l *loading) checkVEX(c checker, vex VEX) {
	const field = "spec.vex"
	l.checkNamed(c, field+".signers", vex.Signers, "ClusterImagePolicy")
	c.each(field+".statuses", vex.Statuses, func(at, status string) {
		if status != "not_affected" && status != "fixed" {
			c.bad(at, status+" leaves the vulnerability where it is", "write "+oneOf(VEXStatuses()))
		}
	})
}
