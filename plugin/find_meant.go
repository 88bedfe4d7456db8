package plugin

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	pictureName = regexp.MustCompile(`(?i)^(?:[^/:@]+|https?://\S+)\.(?:png|jpe?g|gif|svg|webp|ico)$`)
	transport   = regexp.MustCompile(`^(?:oci|docker|docker-daemon|docker-archive|containers-storage|registry)://`)
)

// besideImage are the members of an image's map that do not name it, in lower
// case: how it is pulled, which build of it, what is known of it.
func besideImage() []string {
	return []string{
		"pullpolicy", "imagepullpolicy", "policy", "pullsecret", "pullsecrets", "imagepullsecret", "imagepullsecrets", "secret", "secretname", "secretref",
		"tag", "newtag", "imagetag", "digest", "sha", "sha256", "version", "checksum", "checksumtype", "format", "id", "imageid",
		"os", "arch", "architecture", "platform", "platforms", "type", "imagetype", "kind", "apiversion", "apigroup", "namespace",
		"labels", "annotations", "description", "publisher", "offer", "sku",
	}
}

// namesImage reports whether a text under a key that tells of an image can be
// what names it. Whether it can be read as a reference does not matter: what an
// operator makes of it, nobody here can say. A switch, a number and a picture
// cannot.
func namesImage(text string) bool {
	text = strings.TrimSpace(text)
	if _, err := strconv.ParseFloat(text, 64); err == nil || text == "" {
		return false
	}
	if slices.Contains([]string{"true", "false", "yes", "no", "on", "off", "none", "null"}, text) {
		return false
	}
	return !pictureName.MatchString(text) && !strings.HasPrefix(text, "data:image/")
}

// readsAsImage reports whether the text is a reference, or would be one in
// lower case, without blanks around it, another digest, or the transport in
// front of it. It is for places where most texts mean something else.
func readsAsImage(text string) bool {
	if !namesImage(text) {
		return false
	}
	text = strings.ToLower(strings.TrimSpace(text))
	text, _, _ = strings.Cut(transport.ReplaceAllString(text, ""), "@")
	_, err := ParseReference(text)
	return err == nil
}
