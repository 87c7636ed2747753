package manifest

import (
	"slices"
	"testing"
)

func TestDiff_namesWhatBecameOfEachTable(t *testing.T) {
	from := Content{Tables: []Table{{"a", 1, "11"}, {"b", 2, "22"}, {"c", 3, "33"}, {"e", 5, "55"}, {"z", 9, "99"}}}
	to := Content{Tables: []Table{{"a", 1, "11"}, {"b", 2, "2x"}, {"d", 4, "44"}, {"e", -1, ""}}}
	got := Diff(from, to)
	want := []TableDiff{
		{"a", TableSame, 1, 1}, {"b", TableChanged, 2, 2}, {"c", TableGone, 3, -1}, {"d", TableAdded, -1, 4}, {"e", TableUnreadable, 5, -1}, {"z", TableGone, 9, -1},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestDiff_ofNothingIsNothing(t *testing.T) {
	if got := Diff(Content{}, Content{}); len(got) != 0 {
		t.Errorf("got %v, want nothing", got)
	}
}
