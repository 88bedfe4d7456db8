package mutate

// reinvocation remembers whom to ask once more (policy/mutating,
// policyReinvokeContext): who asks for it, when something changed after it was
// asked.
type reinvocation struct {
	// needed says that there is a second round, second that this is it.
	needed, second bool
	// asked are those that ask for it and were asked since the last change; due
	// are those that are asked again.
	asked, due map[string]bool
}

// invoked notes who was asked and asks for another time.
func (r *reinvocation) invoked(key string) {
	if r.asked == nil {
		r.asked = map[string]bool{}
	}
	r.asked[key] = true
}

// all makes everybody who was asked so far be asked again.
func (r *reinvocation) all() {
	r.needed = true
	if r.due == nil {
		r.due = map[string]bool{}
	}
	for key := range r.asked {
		r.due[key] = true
	}
	r.asked = nil
}
