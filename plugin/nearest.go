package plugin

import (
	"fmt"
	"slices"
	"strings"
)

// Nearest is "; did you mean ...?" for the known name with the smallest edit
// distance, or empty when none is close.
func Nearest(name string, known []string) string {
	best, distance := "", len(name)/2+1
	for _, each := range known {
		if d := editDistance(strings.ToLower(name), strings.ToLower(each)); d < distance {
			best, distance = each, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// editDistance is Levenshtein's, over bytes.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		previous := slices.Clone(row)
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(row[j]+1, previous[j+1]+1, previous[j]+cost)
		}
	}
	return row[len(b)]
}
