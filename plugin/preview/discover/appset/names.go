package appset

import (
	"errors"
	"strings"
)

// sanitize is Argo CD's normalize: small letters, digits, dashes and dots, at
// most 253, and none of the last two at an end.
func sanitize(name string) string {
	clean := strings.Map(func(r rune) rune {
		if r == '-' || r == '.' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' {
			return r
		}
		return '-'
	}, strings.ToLower(name))
	if len(clean) > 253 {
		clean = clean[:253]
	}
	return strings.Trim(clean, "-.")
}

// slugify is Argo CD's function of that name: the text comes last, before it
// the greatest length (50), and whether to cut at a dash (true).
func slugify(arguments ...any) (string, error) {
	length, atDash, name := 50, true, ""
	for i, argument := range arguments {
		var is bool
		switch i {
		case len(arguments) - 1:
			name, is = argument.(string)
		case 0:
			length, is = argument.(int)
		case 1:
			atDash, is = argument.(bool)
		default:
			is = true
		}
		if !is {
			return "", errors.New("slugify takes a length, true or false, and a text")
		}
	}
	slug := sanitize(name)
	if !atDash && len(slug) >= length {
		if length < 0 {
			return "", errors.New("slugify takes no negative length")
		}
		slug = slug[:length]
	}
	slug = strings.ReplaceAll(slug, ".", "-")
	for strings.Contains(slug, "--") {
		slug = strings.ReplaceAll(slug, "--", "-")
	}
	slug = strings.Trim(slug, "-")
	if atDash && length > 0 && len(slug) > length {
		if end := strings.LastIndexByte(slug[:length+1], '-'); end >= 0 {
			return slug[:end], nil
		}
		return slug[:length], nil
	}
	return slug, nil
}
