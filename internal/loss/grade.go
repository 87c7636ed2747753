package loss

import (
	"strconv"
	"strings"
	"time"
)

// Stretch is rows of a table that nothing confirms, with none between them that
// something does.
type Stretch struct {
	First int64 `json:"first"` // rowid
	Last  int64 `json:"last"`
	Rows  int64 `json:"rows"`
}

// Backup says in words which backup has an id.
func Backup(id string) string {
	if at, err := time.Parse("20060102T150405Z", id); err == nil {
		return "the backup of " + at.Format("2006-01-02 15:04 UTC")
	}
	if id == "" {
		return ""
	}
	return "the backup " + id
}

// Certainty says in a sentence without a full stop how far the rows that the damaged file
// gave back can be relied upon, "" if there are none. older says what they were compared
// with, "" = with nothing.
func (t *Table) Certainty(older string) string {
	if t.Confirmed+t.Uncertain == 0 {
		return ""
	}
	if older == "" && t.Confirmed == 0 && t.Unconfirmed > 0 {
		text := "nothing confirms " + theRows(t.Unconfirmed) + ": whole, but there is no older copy to compare with"
		return strings.Join(append([]string{text}, t.against("")...), "; ")
	}
	var parts []string
	if t.Confirmed > 0 {
		parts = append(parts, rows(t.Confirmed)+" confirmed"+t.by(older))
	}
	if t.Unconfirmed > 0 {
		text := rows(t.Unconfirmed) + " whole, but nothing confirms " + either(t.Unconfirmed == 1, "it", "them")
		switch {
		case older == "":
			text += " (there is no older copy to compare with)"
		default:
			text = rows(t.Unconfirmed) + " newer than that or changed since: whole, but nothing confirms " + either(t.Unconfirmed == 1, "it", "them")
		}
		parts = append(parts, text)
	}
	return strings.Join(append(parts, t.against(older)...), "; ")
}

// against counts the rows that something speaks against.
func (t *Table) against(older string) (parts []string) {
	if t.Undated > 0 {
		text := rows(t.Undated) + " of doubtful age"
		if older != "" {
			text += ", " + Number(t.AsInBase) + " of them as " + older + " has them"
		}
		parts = append(parts, text)
	}
	if t.Doubted > 0 {
		text := Number(t.Doubted) + " doubted"
		if t.FromOlder > 0 {
			text += ", " + Number(t.FromOlder) + " of them from " + either(t.FromOlder == 1, "an older image of its page", "older images of their pages")
		}
		parts = append(parts, text)
	}
	return parts
}

// by says what confirms rows.
func (t *Table) by(older string) string {
	var list []string
	for _, proof := range []struct {
		n    int64
		text string
	}{{t.ByBase, older}, {t.ByIndex, "indexes"}, {t.ByLog, "the write-ahead log"}} {
		switch {
		case proof.n == 0:
		case proof.n == t.Confirmed:
			return " by " + proof.text
		default:
			list = append(list, Number(proof.n)+" by "+proof.text)
		}
	}
	if len(list) == 0 {
		return ""
	}
	return " (" + strings.Join(list, ", ") + ")"
}

func rows(n int64) string { return Number(n) + either(n == 1, " row", " rows") }

func theRows(n int64) string {
	return either(n == 1, "the row that is there", "the "+rows(n)+" that are there")
}

func either(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}

// Number writes a count as people read it: 33,812.
func Number(n int64) string {
	s := strconv.FormatInt(n, 10)
	for at := len(s) - 3; at > 0 && s[at-1] != '-'; at -= 3 {
		s = s[:at] + "," + s[at:]
	}
	return s
}
