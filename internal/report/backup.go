package report

import "github.com/officer-doofy/officer/messages"

// Table is one table of a backup.
type Table struct {
	Name   string `json:"name"`
	Rows   int64  `json:"rows"`
	Digest string `json:"digest"`
}

// Backup is one stored backup.
type Backup struct {
	ID                 string  `json:"id"`
	File               string  `json:"file"`
	Path               string  `json:"path"`
	Tier               string  `json:"tier"`
	Reason             string  `json:"reason"`
	TakenAt            *string `json:"taken_at"`
	SizeBytes          int64   `json:"size_bytes"`
	PageSize           int64   `json:"page_size"`
	SHA256             string  `json:"sha256"`
	Verified           bool    `json:"verified"`
	Verdict            string  `json:"verdict"`
	Tables             []Table `json:"tables"`
	CopyMS             int64   `json:"copy_ms"`
	VerifyMS           int64   `json:"verify_ms"`
	WorstWriterStallMS int64   `json:"worst_writer_stall_ms"`
	Pinned             bool    `json:"pinned"`
	PinnedUntil        *string `json:"pinned_until,omitempty"`
	KeepReason         string  `json:"keep_reason"`
	Expires            *string `json:"expires"`
	ExpiresBecause     string  `json:"expires_because,omitempty"`
}

// BackupOf gives a backup as JSON; nil for none.
func BackupOf(b *messages.Backup) *Backup {
	if b == nil {
		return nil
	}
	out := &Backup{
		ID: b.Id, File: b.File, Path: b.Path, Tier: b.Tier, Reason: b.Reason, TakenAt: Stamp(b.TakenAtUnixMs),
		SizeBytes: b.SizeBytes, PageSize: b.PageSize, SHA256: b.Sha256, Verified: b.Verified, Verdict: b.Verdict,
		Tables: []Table{}, CopyMS: b.CopyMs, VerifyMS: b.VerifyMs, WorstWriterStallMS: b.WorstWriterStallMs,
		Pinned: b.Pinned, PinnedUntil: Stamp(b.PinnedUntilUnixMs), KeepReason: b.KeepReason, Expires: Stamp(b.ExpiresAtUnixMs), ExpiresBecause: b.ExpiresBecause,
	}
	for _, t := range b.Content.GetTables() {
		out.Tables = append(out.Tables, Table{Name: t.Name, Rows: t.Rows, Digest: t.Digest})
	}
	return out
}

// Backups is the list of backups.
type Backups struct {
	Head
	Backups []*Backup `json:"backups"`
	Held    string    `json:"held,omitempty"`
}

// BackupsOf gives the list as JSON.
func BackupsOf(l *messages.BackupList) *Backups {
	out := &Backups{Backups: []*Backup{}, Held: l.GetHeld()}
	for _, b := range l.GetBackups() {
		out.Backups = append(out.Backups, BackupOf(b))
	}
	return out
}

// Drill is one restore drill.
type Drill struct {
	BackupID  string    `json:"backup_id"`
	OK        bool      `json:"ok"`
	At        *string   `json:"at"`
	RestoreMS int64     `json:"restore_ms"`
	CheckMS   int64     `json:"check_ms"`
	Findings  []Finding `json:"findings"`
	Rules     []Rule    `json:"rules"`
}

// DrillOf gives a drill as JSON; nil for none.
func DrillOf(r *messages.DrillReport) *Drill {
	if r == nil {
		return nil
	}
	return &Drill{BackupID: r.Backup.GetId(), OK: r.Ok, At: Stamp(r.AtUnixMs), RestoreMS: r.RestoreMs,
		CheckMS: r.CheckMs, Findings: FindingsOf(r.Findings), Rules: RulesOf(r.Rules)}
}
