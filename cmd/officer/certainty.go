package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/officer-doofy/officer/internal/loss"
	"github.com/officer-doofy/officer/internal/salvage"
)

// older says what the rows of a recovery were compared with, "" = with nothing.
func (r *recoverResult) older() string {
	if r.Base == "" {
		return ""
	}
	return filepath.Base(r.Base)
}

func looseOf(all []salvage.Stretch) []loss.Stretch {
	list := []loss.Stretch{}
	for _, s := range all {
		list = append(list, loss.Stretch(s))
	}
	return list
}

// certainty sums up how far the rows of all tables can be relied upon.
func certainty(tables []recoveredTableJSON, older string) string {
	var sum loss.Table
	for _, t := range tables {
		sum.Confirmed, sum.ByBase, sum.ByIndex, sum.ByLog = sum.Confirmed+t.Confirmed, sum.ByBase+t.ByBase, sum.ByIndex+t.ByIndex, sum.ByLog+t.ByLog
		sum.Uncertain, sum.Unconfirmed, sum.Undated = sum.Uncertain+t.Uncertain, sum.Unconfirmed+t.Unconfirmed, sum.Undated+t.Undated
		sum.Doubted, sum.AsInBase = sum.Doubted+t.Doubted, sum.AsInBase+t.AsInBase
		sum.FromOlder += t.FromOlder
	}
	return sum.Certainty(older)
}

func showCertainty(w io.Writer, tables []recoveredTableJSON, older string) {
	if text := certainty(tables, older); text != "" {
		fmt.Fprintf(w, "    %s\n", clean(text))
	}
}

// plain tells whether a table needs no line of its own: it is whole, and all that is said
// of its rows is said of each of them.
func (t *recoveredTableJSON) plain() bool {
	return t.whole() && (t.Confirmed == 0 || t.Uncertain == 0)
}

// showTables writes each table that is not whole, or of which only some rows are
// confirmed, and counts the others.
func showTables(w io.Writer, tables []recoveredTableJSON) {
	out := tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
	confirmed, rest := 0, 0
	for i := range tables {
		switch t := &tables[i]; {
		case !t.plain():
			fmt.Fprintf(out, "    %s\t  %s\n", clean(t.Name), strings.Join(t.words(), ", "))
		case t.Confirmed > 0:
			confirmed++
		default:
			rest++
		}
	}
	_ = out.Flush()
	if confirmed > 0 {
		fmt.Fprintf(w, "    %s whole, each row confirmed\n", count(confirmed, "table"))
	}
	if rest > 0 {
		fmt.Fprintf(w, "    %s whole\n", count(rest, "table"))
	}
}
