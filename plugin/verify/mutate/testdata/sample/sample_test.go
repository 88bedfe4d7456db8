package sample

import (
	"os"
	"testing"
)

func TestHeld_RefusesWhatItShould(t *testing.T) {
	for _, row := range []struct {
		text, kind string
		refused    bool
	}{
		{"azure", "a", false}, {"z", "b", false}, {"", "a", true}, {"yellow", "a", true}, {"red", "c", true}, {"{", "a", true}, {"Red", "a", true},
	} {
		if err := Held(row.text, row.kind); (err != nil) != row.refused {
			t.Errorf("%+v: %v", row, err)
		}
	}
}

func TestSum_LeavesOutWhatIsNotPositive(t *testing.T) {
	if sum, count := Sum([]int{1, -2, 3, 0}); sum != 4 || count != 2 {
		t.Errorf("sum %d, count %d", sum, count)
	}
}

func TestUnheld_AcceptsAList(t *testing.T) {
	if os.Getenv("SAMPLE_RED") != "" {
		t.Fatal("red, as asked")
	}
	if err := Unheld([]string{"a"}); err != nil {
		t.Error(err)
	}
}
