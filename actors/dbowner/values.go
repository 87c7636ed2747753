package dbowner

import (
	"time"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/messages"
)

func contentTo(c manifest.Content) *messages.Content {
	out := &messages.Content{SchemaDigest: c.SchemaDigest}
	for _, t := range c.Tables {
		out.Tables = append(out.Tables, &messages.Table{Name: t.Name, Rows: t.Rows, Digest: t.Digest})
	}
	return out
}

// contentFrom gives nil for nil and for the empty Content.
func contentFrom(c *messages.Content) *manifest.Content {
	if c == nil || (c.GetSchemaDigest() == "" && len(c.GetTables()) == 0) {
		return nil
	}
	out := &manifest.Content{SchemaDigest: c.GetSchemaDigest()}
	for _, t := range c.GetTables() {
		out.Tables = append(out.Tables, manifest.Table{Name: t.GetName(), Rows: t.GetRows(), Digest: t.GetDigest()})
	}
	return out
}

func sourceTo(s manifest.Source) *messages.Source {
	return &messages.Source{Device: s.Device, Inode: s.Inode, ChangeCounter: s.ChangeCounter,
		SchemaCookie: s.SchemaCookie, WalSalt: s.WALSalt, WalFrames: s.WALFrames,
		JournalMode: s.JournalMode, WriterVersion: int64(s.WriterVersion)}
}

func rulesFrom(rules []*messages.Rule) []check.Rule {
	var out []check.Rule
	for _, r := range rules {
		severity := "yellow"
		if r.GetSeverity() == messages.Severity_SEVERITY_RED {
			severity = "red"
		}
		out = append(out, check.Rule{Name: r.GetName(), SQL: r.GetSql(), Severity: severity})
	}
	return out
}

func reportTo(r check.Report, kind check.Kind) *messages.CheckReport {
	out := &messages.CheckReport{Verdict: string(r.Verdict), Engine: string(r.Engine), EngineReason: r.Reason, MoreFindings: r.More, Kind: kindTo(kind)}
	for _, f := range r.Findings {
		out.Findings = append(out.Findings, &messages.Finding{Kind: f.Kind, Object: f.Object, Page: f.Page, Detail: f.Detail,
			Rowid: f.Rowid, HasRowid: f.HasRowid})
	}
	for _, f := range r.ForeignKeys {
		out.ForeignKeys = append(out.ForeignKeys, &messages.ForeignKeyFinding{
			Table: f.Table, Rowid: f.Rowid, HasRowid: f.HasRowid, Parent: f.Parent})
	}
	for _, b := range r.RuleBreaks {
		severity := messages.Severity_SEVERITY_YELLOW
		if b.Rule.Severity == "red" {
			severity = messages.Severity_SEVERITY_RED
		}
		out.Rules = append(out.Rules, &messages.RuleFinding{Rows: b.Rows, Error: b.Err,
			Rule: &messages.Rule{Name: b.Rule.Name, Sql: b.Rule.SQL, Severity: severity}})
	}
	return out
}

func kindFrom(k messages.CheckKind) check.Kind {
	switch k {
	case messages.CheckKind_CHECK_KIND_QUICK:
		return check.Quick
	case messages.CheckKind_CHECK_KIND_FOREIGN_KEYS:
		return check.ForeignKeys
	}
	return check.Full
}

func kindTo(k check.Kind) messages.CheckKind {
	switch k {
	case check.Quick:
		return messages.CheckKind_CHECK_KIND_QUICK
	case check.ForeignKeys:
		return messages.CheckKind_CHECK_KIND_FOREIGN_KEYS
	}
	return messages.CheckKind_CHECK_KIND_FULL
}

// ceilMs rounds up: a stall is never told shorter than it was.
func ceilMs(d time.Duration) int64 {
	return int64((d + time.Millisecond - 1) / time.Millisecond)
}
