package harden

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/assay-gitops/assay/plugin"
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
	// named is set for a user that the image gives by this name. Its number,
	// which only the image's own files tell, is not seen by the kubelet.
	name  string
	named *plugin.NamedUser
}

var onlyDigits = regexp.MustCompile(`^[0-9]+$`)

// findUser is the user that the kubelet sees: runAsUser of the container, of the
// Pod, else the image's own (kubelet, verifyRunAsNonRoot).
func (c *container) findUser() user {
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
		return namedUser(name, config.Named)
	}
	number, err := strconv.ParseInt(name, 10, 64)
	if err != nil {
		return user{reason: fmt.Sprintf("the image's user %.63s is no user id", name), hint: "give the image a USER by number (USER 65532)"}
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

// namedUser is a user of whom the image gives a name, and of whom its own files
// tell more unless told is nil.
func namedUser(name string, told *plugin.NamedUser) user {
	const hint = "write the number in the image (USER 65532), or runAsUser here"
	said := fmt.Sprintf("the image's user is the name %.63q", name)
	unknown := ""
	if told != nil {
		unknown = said + ", of which no number is known (" + told.Unknown + ")"
	}
	switch {
	case told == nil:
		return user{kind: userNamed, reason: said + ", of which the kubelet cannot tell that it is not root", hint: hint}
	case told.NoAnswer:
		return user{kind: userNamed, reason: unknown, hint: "try again when the registry answers, or write runAsUser here"}
	case told.Unknown != "":
		return user{kind: userNamed, reason: unknown, hint: hint}
	case told.ID == 0:
		return user{kind: userRoot, reason: said + fmt.Sprintf(", which is root (0 in /etc/passwd of layer %s)", told.Layer), hint: "give the image another USER, by number (USER 65532)"}
	}
	return user{kind: userNonRoot, name: name, named: told}
}

/*
runAsUser sets the number of a user that the image gives by name, as the image's
own /etc/passwd has it: without it the kubelet starts no container of that image
under runAsNonRoot ("image has non-numeric user", kubelet, verifyRunAsNonRoot).

It is written beside runAsNonRoot: true alone, whether the author wrote that or
it is filled in, and never where it would mean another user or group than the
name does.
*/
func runAsUser(c *container) decision {
	user := c.user
	nonRoot := c.security["runAsNonRoot"]
	if nonRoot == nil {
		nonRoot = c.pod.security["runAsNonRoot"]
	}
	if user.named == nil || user.named.Differs != "" || nonRoot != nil && nonRoot != true || c.config().OS == "windows" {
		return decision{} // what runAsNonRoot says is enough
	}
	return decision{
		value: user.named.ID,
		notes: []string{fmt.Sprintf("%d is the number of the image's user %.63q in /etc/passwd of layer %s", user.named.ID, user.name, user.named.Layer)},
	}
}

/*
runAsNonRoot sets true where the user is not root: a number other than 0, from
runAsUser or from the image, or a name whose number [runAsUser] writes beside it.

Held back: root, images whose configuration is not known, and names that are not
written as a number (the kubelet cannot verify them and does not start the
container): those whose number is not known or would give other groups, and all
of them where the profile writes no user id.
*/
func runAsNonRoot(writesUser bool) func(*container) decision {
	return func(c *container) decision {
		if c.config() != nil && c.config().OS == "windows" {
			held, _ := linuxOnly(c)
			return held
		}
		user := c.user
		if user.kind != userNonRoot {
			if c.config() == nil && user.kind == userUnknown {
				return decision{heldBack: user.reason + ", so the container might not start", hint: user.hint, level: plugin.Warn}
			}
			return decision{heldBack: user.reason + ", so the container would not start", hint: user.hint, level: plugin.Warn}
		}
		if user.named == nil {
			return decision{value: true}
		}
		said := fmt.Sprintf("the image's user is the name %.63q, of which the kubelet cannot tell that it is not root, and ", user.name)
		switch {
		case user.named.Differs != "":
			return decision{
				heldBack: said + "its number would not mean the same: " + user.named.Differs, level: plugin.Warn,
				hint: fmt.Sprintf("write the numbers in the image (USER %d:...), or runAsUser and runAsGroup here", user.named.ID),
			}
		case !writesUser:
			return decision{
				heldBack: said + "this profile writes no user id, as OpenShift gives each namespace its own", level: plugin.Warn,
				hint: fmt.Sprintf("write the number in the image (USER %d)", user.named.ID),
			}
		}
		return decision{value: true}
	}
}
