package plugin

// silence says that the registry gave no answer about an image, and for how
// long.
type silence int

const (
	answered silence = iota
	// briefly: asking again may get an answer.
	briefly
	// lastingly: asking again gets none, until somebody changes something.
	lastingly
)

// silences are images, as written, without an answer; all others have one.
type silences map[string]silence

// note remembers the images that the findings leave without an answer.
func (s silences) note(findings []Finding) {
	for _, finding := range findings {
		if finding.Level != Undetermined || finding.Image == "" {
			continue
		}
		if finding.Lasting && s[finding.Image] != briefly {
			s[finding.Image] = lastingly
		} else {
			s[finding.Image] = briefly
		}
	}
}

// undecide turns a finding that only follows from a silence into one without an
// answer.
func (s silence) undecide(finding *Finding) {
	finding.Level, finding.Lasting = Undetermined, s == lastingly
}
