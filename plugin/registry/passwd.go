package registry

import (
	"bufio"
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// account is one line of /etc/passwd (passwd(5)) or /etc/group (group(5)).
type account struct {
	name string
	// id is the user's or the group's number, and group the user's first group.
	id, group int64
}

// accounts reads /etc/passwd or /etc/group as container runtimes do: empty
// lines are passed over, nothing is a comment, and of two lines with one name
// the first counts. A number that is none is -1; a runtime would take it for 0.
func accounts(data []byte) ([]account, error) {
	var all []account
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" {
			continue
		}
		fields := strings.SplitN(line, ":", 5)
		all = append(all, account{name: fields[0], id: numberIn(fields, 2), group: numberIn(fields, 3)})
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading line %d: %w", len(all)+1, err)
	}
	return all, nil
}

// numberIn is the number in a field, or -1. Numbers of users and groups end
// with 31 bits (Kubernetes, IsValidUserID).
func numberIn(fields []string, at int) int64 {
	if at >= len(fields) {
		return -1
	}
	number, err := strconv.ParseInt(fields[at], 10, 64)
	if err != nil || number < 0 || number > math.MaxInt32 {
		return -1
	}
	return number
}

// accountNamed is the first account with a name.
func accountNamed(all []account, name string) (account, bool) {
	for _, each := range all {
		if each.name == name {
			return each, true
		}
	}
	return account{}, false
}

// accountNumbered is the first account with a number.
func accountNumbered(all []account, id int64) account {
	for _, each := range all {
		if each.id == id {
			return each
		}
	}
	return account{}
}
