package check

import "time"

// Verdict is the outcome of a check.
type Verdict string

// The verdicts. CannotJudge means that something needed to read the database (a
// module, a collation, a checksum layer) is unknown here; it is not damage.
const (
	OK          Verdict = "ok"
	Damaged     Verdict = "damaged"
	CannotJudge Verdict = "cannot_judge"
)

// Kind says how much a check looks at.
type Kind string

// Full is PRAGMA integrity_check's coverage, Quick that of quick_check,
// ForeignKeys only foreign_key_check.
const (
	Full        Kind = "full"
	Quick       Kind = "quick"
	ForeignKeys Kind = "foreign_keys"
)

// Engine names who looked.
type Engine string

// The engines.
const (
	EngineSQLite Engine = "sqlite"
	EnginePage   Engine = "page"
)

// Finding is one thing that is wrong. Object is a table or index where known,
// Page a page number (0 = unknown), Detail the sentence of the engine. Rowid is only
// known with HasRowid.
type Finding struct {
	Kind   string // "structure", "index", "content", "not_null", "unique", "check", "type", "module", "header"
	Object string
	Page   int64
	Detail string

	Rowid    int64
	HasRowid bool
}

// ForeignKey is an orphaned row: a yellow finding, not damage.
type ForeignKey struct {
	Table    string
	Rowid    int64 // 0 with HasRowid false for WITHOUT ROWID tables
	HasRowid bool
	Parent   string
}

// Rule is a statement of the app's that must return no rows.
type Rule struct {
	Name     string
	SQL      string
	Severity string // "yellow" or "red"
}

// RuleBreak is a rule that returned rows or could not be run.
type RuleBreak struct {
	Rule Rule
	Rows int64  // rows returned, counted up to a limit
	Err  string // set when it could not be run
}

// Report is the outcome of one check.
type Report struct {
	Verdict     Verdict
	Engine      Engine
	Reason      string // why SQLite judged, with EngineSQLite
	Kind        Kind
	Findings    []Finding
	More        bool // the list of findings ended at its limit: there may be more
	ForeignKeys []ForeignKey
	RuleBreaks  []RuleBreak
	Duration    time.Duration
}
