package manifest

import "strings"

// Change says what became of a table between two contents.
type Change string

// The changes. TableSame means equal rows, rowids, types and bytes; TableUnreadable that one side
// could not be read, so that nothing can be said.
const (
	TableSame       Change = "same"
	TableChanged    Change = "changed"
	TableAdded      Change = "added"
	TableGone       Change = "gone"
	TableUnreadable Change = "unreadable"
)

// TableDiff compares one table. Rows are -1 where it does not exist or cannot be read.
type TableDiff struct {
	Name   string
	Change Change
	From   int64 // rows
	To     int64 // rows
}

// Diff compares two contents table by table, sorted by name. Both have their tables
// sorted, as Content promises.
func Diff(from, to Content) []TableDiff {
	a, b := from.Tables, to.Tables
	list := make([]TableDiff, 0, max(len(a), len(b)))
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && strings.Compare(a[0].Name, b[0].Name) < 0:
			list = append(list, TableDiff{a[0].Name, TableGone, a[0].Rows, -1})
			a = a[1:]
		case len(a) == 0 || a[0].Name != b[0].Name:
			list = append(list, TableDiff{b[0].Name, TableAdded, -1, b[0].Rows})
			b = b[1:]
		default:
			list = append(list, TableDiff{a[0].Name, between(a[0], b[0]), a[0].Rows, b[0].Rows})
			a, b = a[1:], b[1:]
		}
	}
	return list
}

func between(a, b Table) Change {
	switch {
	case a.Rows < 0 || b.Rows < 0 || a.Digest == "" || b.Digest == "":
		return TableUnreadable
	case a == b:
		return TableSame
	}
	return TableChanged
}
