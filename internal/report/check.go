package report

import "github.com/officer-doofy/officer/messages"

// Finding is one thing that is wrong.
type Finding struct {
	Kind   string `json:"kind"`
	Object string `json:"object"`
	Page   int64  `json:"page"`
	Detail string `json:"detail"`
	Rowid  *int64 `json:"rowid,omitempty"` // only where one row is meant
}

// FindingsOf gives findings as JSON.
func FindingsOf(from []*messages.Finding) []Finding {
	out := []Finding{}
	for _, f := range from {
		one := Finding{Kind: f.Kind, Object: f.Object, Page: f.Page, Detail: f.Detail}
		if f.HasRowid {
			one.Rowid = &f.Rowid
		}
		out = append(out, one)
	}
	return out
}

// ForeignKey is a row without its parent.
type ForeignKey struct {
	Table  string `json:"table"`
	Rowid  *int64 `json:"rowid"` // null in a WITHOUT ROWID table
	Parent string `json:"parent"`
}

// Rule is a rule of the app's that was broken or could not be run.
type Rule struct {
	Name     string `json:"name"`
	Severity string `json:"severity"`
	Rows     int64  `json:"rows"`
	Error    string `json:"error,omitempty"`
}

// RulesOf gives broken rules as JSON.
func RulesOf(from []*messages.RuleFinding) []Rule {
	out := []Rule{}
	for _, f := range from {
		severity := "yellow"
		if f.Rule.GetSeverity() == messages.Severity_SEVERITY_RED {
			severity = "red"
		}
		out = append(out, Rule{f.Rule.GetName(), severity, f.Rows, f.Error})
	}
	return out
}

// Check is the outcome of a check.
type Check struct {
	Head
	Verdict     string       `json:"verdict"`
	Engine      string       `json:"engine"`                  // "page" or "sqlite"
	Reason      string       `json:"engine_reason,omitempty"` // why "sqlite"
	Findings    []Finding    `json:"findings"`
	More        bool         `json:"more_findings"` // the list ended at its limit: there may be more
	ForeignKeys []ForeignKey `json:"foreign_keys"`
	Rules       []Rule       `json:"rules"`
	DurationMS  int64        `json:"duration_ms"`
}

// CheckOf gives a check as JSON.
func CheckOf(r *messages.CheckReport) *Check {
	out := &Check{
		Verdict: r.GetVerdict(), Engine: r.GetEngine(), Reason: r.GetEngineReason(), Findings: FindingsOf(r.GetFindings()), More: r.GetMoreFindings(),
		ForeignKeys: []ForeignKey{}, Rules: RulesOf(r.GetRules()), DurationMS: r.GetDurationMs(),
	}
	for _, k := range r.GetForeignKeys() {
		j := ForeignKey{Table: k.Table, Parent: k.Parent}
		if k.HasRowid {
			j.Rowid = &k.Rowid
		}
		out.ForeignKeys = append(out.ForeignKeys, j)
	}
	return out
}
