// Package sample has one check of every form that is looked for. Its tests hold
// all of them but those of Unheld.
package sample

import "errors"

// Held refuses an empty text, one that is too long, and every kind but two.
func Held(text, kind string) error {
	if text == "" || len(text) > 5 {
		return errors.New("the length")
	}
	switch kind {
	case "a", "b":
	default:
		return errors.New("the kind")
	}
	return firstIsLower(text)
}

func firstIsLower(text string) error {
	if !(text[0] >= 'a' && text[0] <= 'z') {
		return errors.New("the first letter")
	}
	return nil
}

// Sum adds what is positive, and counts it.
func Sum(numbers []int) (sum, count int) {
	for _, one := range numbers {
		switch {
		case one > 0:
			sum += one
			count++
		}
	}
	return sum, count
}

// Unheld refuses nil, and no test knows.
func Unheld(of []string) error {
	if of == nil {
		return errors.New("nil")
	}
	return nil
}
