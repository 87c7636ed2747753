package integrity

import (
	"fmt"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/condition"
	"github.com/officer-doofy/officer/internal/shell"
	"github.com/officer-doofy/officer/messages"
)

// Codes of the conditions.
const (
	damageFound       = "damage_found"
	cannotJudge       = "cannot_judge"
	foreignKeysBroken = "foreign_keys_broken"
	ruleBroken        = "rule_broken"
	ruleBrokenRed     = "rule_broken_red"
	checkOverdue      = "check_overdue"
)

const (
	namesShown  = 3
	detailBytes = 160
)

// Conditions declares what this system can find wrong.
func Conditions() []condition.Definition {
	const system = "integrity"
	return []condition.Definition{
		{
			Code: damageFound, System: system, Severity: condition.Red,
			Text: "The database is damaged: {what}. {fence}",
			Hint: "officer repair {database}", Headline: "The database is damaged. {fence}",
		},
		{
			Code: ruleBrokenRed, System: system, Severity: condition.Red, DependsOn: []condition.Code{damageFound},
			Text: "A rule of the application is broken: {rules}.",
			Hint: "officer check {database}",
		},
		{
			Code: cannotJudge, System: system, Severity: condition.Yellow, DependsOn: []condition.Code{damageFound},
			Text: "Officer cannot judge the whole database: {what}. This is not damage.",
			Hint: "officer check {database}",
		},
		{
			Code: foreignKeysBroken, System: system, Severity: condition.Yellow, DependsOn: []condition.Code{damageFound},
			Text: "Rows refer to rows that do not exist: {tables}.",
			Hint: "officer check {database}",
		},
		{
			Code: ruleBroken, System: system, Severity: condition.Yellow, DependsOn: []condition.Code{damageFound},
			Text: "A rule of the application is broken: {rules}.",
			Hint: "officer check {database}",
		},
		{
			// A machine that wakes from sleep gets the time to catch up.
			Code: checkOverdue, System: system, Severity: condition.Yellow, VisibleAfter: 10 * time.Minute,
			DependsOn: []condition.Code{damageFound, "database_unreachable", "database_missing", "database_stuck"},
			Text:      "The {kind} check of the database is overdue: none succeeded since {since}.",
			Hint:      "officer check {database}",
		},
	}
}

func (i *integrity) raise(ctx actor.Context, code string, args ...string) {
	ctx.Send(i.cfg.Peers.Of("health"), &messages.RaiseCondition{Code: code,
		Args: append(args, "database="+shell.Database(i.cfg.Database))})
}

func (i *integrity) clear(ctx actor.Context, code string) {
	ctx.Send(i.cfg.Peers.Of("health"), &messages.ClearCondition{Code: code})
}

// showFindings raises and clears what a report says besides damage. A check only clears
// what it looked at.
func (i *integrity) showFindings(ctx actor.Context, kind messages.CheckKind, report *messages.CheckReport) {
	damaged := report.GetVerdict() == string(check.Damaged)
	switch {
	case report.GetVerdict() == string(check.CannotJudge):
		i.raise(ctx, cannotJudge, "what="+findingsText(report.GetFindings()))
	case kind == messages.CheckKind_CHECK_KIND_FULL && !damaged:
		i.clear(ctx, cannotJudge)
	}
	if len(report.GetForeignKeys()) > 0 {
		i.raise(ctx, foreignKeysBroken, "tables="+foreignKeysText(report.GetForeignKeys()))
	} else if kind == messages.CheckKind_CHECK_KIND_FOREIGN_KEYS && !damaged {
		i.clear(ctx, foreignKeysBroken)
	}
	if kind == messages.CheckKind_CHECK_KIND_QUICK || damaged {
		return // the rules did not run
	}
	for _, red := range []bool{false, true} {
		code := ruleBroken
		if red {
			code = ruleBrokenRed
		}
		if text := rulesText(report.GetRules(), red); text != "" {
			i.raise(ctx, code, "rules="+text)
		} else {
			i.clear(ctx, code)
		}
	}
}

// damageText names what is damaged.
func damageText(report *messages.CheckReport) string { return findingsText(report.GetFindings()) }

// findingsText names the objects of findings, and for those without one the page or the
// engine's sentence.
func findingsText(findings []*messages.Finding) string {
	var names []string
	seen := make(map[string]bool)
	for _, f := range findings {
		name := f.GetObject()
		switch {
		case name != "" && (f.GetKind() == "module" || f.GetKind() == "collation"):
			name += " (" + short(f.GetDetail()) + ")"
		case name == "" && f.GetDetail() != "":
			name = short(f.GetDetail())
		case name == "" && f.GetPage() > 0:
			name = fmt.Sprintf("page %d", f.GetPage())
		}
		if name != "" && !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "no detail is known"
	}
	return list(names)
}

// foreignKeysText counts orphaned rows by table.
func foreignKeysText(rows []*messages.ForeignKeyFinding) string {
	count := make(map[string]int)
	var tables []string
	for _, r := range rows {
		if count[r.GetTable()] == 0 {
			tables = append(tables, r.GetTable())
		}
		count[r.GetTable()]++
	}
	for n, table := range tables {
		tables[n] = fmt.Sprintf("%s (%d)", table, count[table])
	}
	return list(tables)
}

// rulesText names the broken rules of one severity, "" when there are none.
func rulesText(broken []*messages.RuleFinding, red bool) string {
	var names []string
	for _, b := range broken {
		if (b.GetRule().GetSeverity() == messages.Severity_SEVERITY_RED) != red {
			continue
		}
		switch {
		case b.GetError() != "":
			names = append(names, b.GetRule().GetName()+" could not be run: "+short(b.GetError()))
		case b.GetRows() > 0:
			names = append(names, fmt.Sprintf("%s (%d)", b.GetRule().GetName(), b.GetRows()))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return list(names)
}

func list(names []string) string {
	if more := len(names) - namesShown; more > 0 {
		return strings.Join(names[:namesShown], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(names, ", ")
}

// short keeps the first line of a text, and of that what a sentence can bear.
func short(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	if len(s) > detailBytes {
		s = strings.ToValidUTF8(s[:detailBytes], "") + "…"
	}
	return strings.TrimSuffix(s, ".")
}

func kindWord(kind messages.CheckKind) string {
	switch kind {
	case messages.CheckKind_CHECK_KIND_FULL:
		return "full"
	case messages.CheckKind_CHECK_KIND_QUICK:
		return "quick"
	}
	return "foreign-key"
}
