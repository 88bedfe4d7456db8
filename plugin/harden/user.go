package harden

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// userKind is what is known of the user that a container starts as. The zero
// value is unknown.
type userKind int

const (
	userUnknown userKind = iota
	userRoot
	userNamed
	userNonRoot
)

// user is what is known, and why it stands in the way.
type user struct {
	kind         userKind
	reason, hint string
}

var onlyDigits = regexp.MustCompile(`^[0-9]+$`)

// user is the user that the kubelet sees: runAsUser of the container, of the
// Pod, else the image's own (kubelet, verifyRunAsNonRoot).
func (c container) user() user {
	for _, written := range []any{c.security["runAsUser"], c.pod.security["runAsUser"]} {
		switch number := written.(type) {
		case nil:
		case int64:
			return numericUser(number, "runAsUser")
		case float64:
			return numericUser(int64(number), "runAsUser")
		default:
			return user{reason: "runAsUser is not a number", hint: "write a number"}
		}
	}
	config := c.config()
	if config == nil {
		return user{reason: "the image's configuration is not known", hint: "see why it could not be read, or write the setting yourself"}
	}
	name, _, _ := strings.Cut(config.User, ":")
	switch {
	case name == "" || name == "root":
		return user{kind: userRoot, reason: "the image runs as root", hint: "give the image a USER by number (USER 65532), or write runAsUser"}
	case !onlyDigits.MatchString(name):
		return user{
			kind:   userNamed,
			reason: fmt.Sprintf("the image's user is the name %q, of which the kubelet cannot tell that it is not root", name),
			hint:   "write the number in the image (USER 65532), or runAsUser here",
		}
	}
	number, err := strconv.ParseInt(name, 10, 64)
	if err != nil {
		return user{reason: fmt.Sprintf("the image's user %s is no user id", name), hint: "give the image a USER by number (USER 65532)"}
	}
	return numericUser(number, "the image's user")
}

func numericUser(number int64, where string) user {
	if number > 0 {
		return user{kind: userNonRoot}
	}
	if number < 0 {
		return user{reason: fmt.Sprintf("%s is %d, which is no user id", where, number), hint: "write a number above 0"}
	}
	return user{kind: userRoot, reason: where + " is 0, which is root", hint: "write a number above 0, and give that user the files that the program writes"}
}
