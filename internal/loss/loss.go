// Package loss says what a recovery brought back, table by table, and what it did not:
// as one value, as JSON and as a page that can be read without anything else.
package loss

import "encoding/json"

// Layer names the remedy that a recovery used.
type Layer string

// The layers of a repair, the cheapest first, and Recover: a new file beside the old one.
const (
	Reindex Layer = "reindex" // indexes made anew out of tables that are whole
	Merge   Layer = "merge"   // the newest verified backup and everything newer that could be salvaged
	Salvage Layer = "salvage" // what the damaged files alone prove
	Recover Layer = "recover"
)

// Words says in a clause what a layer does.
func (l Layer) Words() string {
	switch l {
	case Reindex:
		return "only indexes were damaged; they were made anew from their tables"
	case Merge:
		return "the newest verified backup, and everything newer that the damaged files still prove"
	case Salvage:
		return "what the damaged files still prove; there was no verified backup"
	}
	return "what the damaged file still proves"
}

// Report is the outcome of one recovery. Counts are rows.
type Report struct {
	Layer       Layer        `json:"layer"`
	Database    string       `json:"database"`                // its file name
	Into        string       `json:"into,omitempty"`          // the new file, "" = in place
	Base        string       `json:"base,omitempty"`          // the older copy that lent rows
	Compared    string       `json:"compared_with,omitempty"` // the backup that rows were compared with, whether it lent any or not
	Evidence    string       `json:"evidence,omitempty"`      // where the damaged files lie
	Tables      []Table      `json:"tables"`
	SetAside    int64        `json:"lost_and_found"`
	AsideIn     string       `json:"lost_and_found_in,omitempty"` // the table or file that has them
	Notes       []string     `json:"notes"`
	Findings    []string     `json:"findings,omitempty"` // of the check of the new database; none = it passed
	ForeignKeys []ForeignKey `json:"foreign_keys"`       // rows without a parent, at most ForeignKeysMax
	Rules       []string     `json:"broken_rules"`
	RedRule     bool         `json:"red_rule_broken,omitempty"`
}

// ForeignKeysMax bounds the rows without a parent that a report names.
const ForeignKeysMax = 100

// Table counts where the rows of one table came from.
type Table struct {
	Name      string   `json:"name"`
	Kept      int64    `json:"rows_kept"`          // found in their place on sound pages
	Salvaged  int64    `json:"rows_salvaged"`      // found elsewhere, and proven
	FromBase  int64    `json:"rows_from_base"`     // only the older copy had them
	Uncertain int64    `json:"rows_uncertain"`     // of those in place and salvaged, all that are not confirmed
	Lost      int64    `json:"rows_lost_estimate"` // gone
	SetAside  int64    `json:"rows_in_lost_and_found"`
	Notes     []string `json:"notes,omitempty"`

	Confirmed int64 `json:"rows_confirmed"` // of those in place and salvaged: something other than themselves speaks for them
	ByBase    int64 `json:"rows_confirmed_by_base"`
	ByIndex   int64 `json:"rows_confirmed_by_index"`
	ByLog     int64 `json:"rows_confirmed_by_log"`
	// What is uncertain: whole rows that nothing speaks for or against; those that may not be
	// the newest, because the whole file may not be; those that something speaks against.
	Unconfirmed int64     `json:"rows_unconfirmed"`
	Undated     int64     `json:"rows_undated"`
	Doubted     int64     `json:"rows_doubted"`
	FromOlder   int64     `json:"rows_from_older"`              // of the doubted ones, those of an older image of their page
	AsInBase    int64     `json:"rows_as_in_base"`              // of those in place and salvaged, whatever their age
	Loose       []Stretch `json:"unconfirmed_rowids,omitempty"` // where the unconfirmed ones are, at most a hundred stretches
}

// ForeignKey is a row that has no parent.
type ForeignKey struct {
	Table    string `json:"table"`
	Rowid    int64  `json:"rowid"`
	HasRowid bool   `json:"has_rowid"`
	Parent   string `json:"parent"`
}

// Whole tells whether nothing of the table is lost, lent, set aside or doubted. It does
// not say that anything confirms its rows.
func (t *Table) Whole() bool {
	return t.Lost == 0 && t.FromBase == 0 && t.Doubted == 0 && t.SetAside == 0
}

// Sum adds up all tables.
func (r *Report) Sum() Table {
	var sum Table
	for i := range r.Tables {
		t := &r.Tables[i]
		sum.Kept, sum.Salvaged, sum.FromBase = sum.Kept+t.Kept, sum.Salvaged+t.Salvaged, sum.FromBase+t.FromBase
		sum.Uncertain, sum.Lost, sum.SetAside = sum.Uncertain+t.Uncertain, sum.Lost+t.Lost, sum.SetAside+t.SetAside
		sum.Confirmed, sum.ByBase, sum.ByIndex, sum.ByLog = sum.Confirmed+t.Confirmed, sum.ByBase+t.ByBase, sum.ByIndex+t.ByIndex, sum.ByLog+t.ByLog
		sum.Unconfirmed, sum.Undated = sum.Unconfirmed+t.Unconfirmed, sum.Undated+t.Undated
		sum.Doubted, sum.AsInBase = sum.Doubted+t.Doubted, sum.AsInBase+t.AsInBase
		sum.FromOlder += t.FromOlder
	}
	sum.SetAside = max(sum.SetAside, r.SetAside)
	return sum
}

// Whole tells whether everything is there as it was, as far as can be known.
func (r *Report) Whole() bool {
	sum := r.Sum()
	return sum.Whole() && len(r.Findings) == 0 && len(r.Notes) == 0
}

// JSON gives the report for programs.
func (r *Report) JSON() ([]byte, error) {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(data, '\n'), nil
}
