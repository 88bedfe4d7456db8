package harden

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// command are the words that the container starts: its own command replaces
// the image's entry point and arguments, its own args the image's arguments
// (core/v1 Container, command and args).
func (c *container) command() []string {
	command, args := texts(c.fields["command"]), texts(c.fields["args"])
	config := c.config()
	switch {
	case len(command) > 0 || config == nil:
		return append(command, args...)
	case len(args) > 0:
		return append(slices.Clone(config.Entrypoint), args...)
	}
	return append(slices.Clone(config.Entrypoint), config.Cmd...)
}

// elevated is a program of the command of which the image's layers say that it
// runs with more rights than who starts it.
func (c *container) elevated() (plugin.Elevated, bool) {
	config := c.config()
	if config == nil {
		return plugin.Elevated{}, false
	}
	words := c.command()
	at := slices.IndexFunc(config.Elevated, func(program plugin.Elevated) bool { return slices.Contains(words, program.Word) })
	if at < 0 {
		return plugin.Elevated{}, false
	}
	return config.Elevated[at], true
}

func elevatedReason(program plugin.Elevated) string {
	return fmt.Sprintf("%.200q %s (layer %s)", program.Path, program.How, program.Layer)
}

// changesUser holds a setting back for a command that names a program which is
// known to change the user. Root may do that by itself, but what root starts so
// may be setuid; who is not root has no other way than a setuid program.
func (c *container) changesUser(user user) (decision, bool) {
	setuid := []string{"sudo", "su", "doas", "ping"}
	if user.kind == userNonRoot {
		program := c.startsOneOf(setuid)
		return decision{
			heldBack: fmt.Sprintf("a user other than root starts %s, which is setuid in most images", program), level: plugin.Warn,
			hint: "start the image as its final user, without " + program + ", or write the setting yourself when it was tried",
		}, program != ""
	}
	program := c.startsOneOf(append(setuid, "gosu", "su-exec", "setpriv", "chroot", "runuser"))
	starts := "starts"
	if user.kind != userRoot {
		starts = "may start"
	}
	return decision{
		heldBack: fmt.Sprintf("the container %s as root and %s changes the user", starts, program), level: plugin.Warn,
		hint: "start the image as its final user, by number, or write allowPrivilegeEscalation: false when it was tried",
	}, program != ""
}

// startsOneOf is the program of the names that the command names, by itself or
// within a line for a shell.
func (c *container) startsOneOf(names []string) string {
	for _, word := range c.command() {
		for part := range strings.FieldsSeq(word) {
			if slices.Contains(names, path.Base(part)) {
				return path.Base(part)
			}
		}
	}
	return ""
}
