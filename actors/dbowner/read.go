package dbowner

import (
	"errors"
	"io/fs"
	"log/slog"
	"time"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/messages"
)

// foreignKeysMax bounds the orphaned rows that one check names.
const foreignKeysMax = 1000

// copyTo writes one snapshot into a new file. Whatever does not become a copy is removed.
func (t *task) copyTo(m *messages.CopyDatabase) (_ any, err error) {
	path := m.GetToPath()
	if path == "" {
		return nil, fault.New(fault.Invalid, t.op, "no path to copy to was given")
	}
	f, err := t.cfg.Files.Create(path)
	if err != nil {
		return nil, err
	}
	kept := false
	defer func() {
		if !kept {
			t.discard(path)
		}
	}()
	if err := f.Close(); err != nil {
		return nil, err
	}
	opts := CopyOptions{PaceBytesPerSecond: m.GetPaceBytesPerSecond(), UnlessContent: contentFrom(m.GetUnlessContent()),
		ByHash: m.GetByHash()}
	pageSize := int64(1)
	unit := "pages"
	if facts, err := t.db.Facts(t.ctx); err == nil {
		pageSize, unit = int64(facts.PageSize), "bytes"
	}
	opts.Progress = func(done, total int64) { t.tell("copy", done*pageSize, total*pageSize, unit) }
	r, err := t.db.Copy(t.ctx, path, opts)
	if err != nil {
		return nil, err
	}
	kept = !r.Skipped
	return &messages.CopyReport{Skipped: r.Skipped, Content: contentTo(r.Content), Sha256: r.SHA256, Seal: r.Seal, Source: sourceTo(r.Source),
		PageSize: int64(r.PageSize), Pages: r.Pages, SizeBytes: r.SizeBytes,
		DurationMs: r.Duration.Milliseconds(), WorstWriterStallMs: ceilMs(r.WorstWriterStall)}, nil
}

// discard removes a file that this job made, with what SQLite may have left beside it.
func (t *task) discard(path string) {
	for _, suffix := range []string{"", "-journal", "-wal", "-shm"} {
		err := t.cfg.Files.Remove(path + suffix)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.cfg.Log.Warn("a stray file could not be removed", slog.String("path", path+suffix), slog.Any("error", err))
		}
	}
}

func (t *task) inspect() (any, error) {
	f, err := t.db.Facts(t.ctx)
	if err != nil {
		return nil, err
	}
	_, sizeBytes, err := t.db.MainFile()
	if err != nil {
		return nil, err
	}
	return &messages.DatabaseFacts{Path: t.cfg.Path, PageSize: int64(f.PageSize), PageCount: f.PageCount,
		FreelistPages: f.FreePages, Encoding: f.Encoding, JournalMode: f.JournalMode,
		UserVersion: int64(f.UserVersion), ApplicationId: int64(f.ApplicationID), Source: sourceTo(f.Source),
		SizeBytes: sizeBytes, WalBytes: f.WALBytes, SqliteVersion: t.cfg.SQLiteVersion,
		AutoVacuum: f.AutoVacuum}, nil
}

// readContent falls back to row counts when damage makes a digest impossible.
func (t *task) readContent(m *messages.ReadContent) (any, error) {
	begun := time.Now()
	var content manifest.Content
	var err error
	if !m.GetRowsOnly() {
		content, err = t.db.Content(t.ctx)
	}
	if m.GetRowsOnly() || fault.IsDamage(err) {
		content.SchemaDigest = ""
		content.Tables, err = t.db.Preview(t.ctx)
	}
	if err != nil {
		return nil, err
	}
	return &messages.ContentReport{Content: contentTo(content), DurationMs: time.Since(begun).Milliseconds()}, nil
}

// check looks through a fresh connection, whose cache cannot hide what is on the disk.
func (t *task) check(m *messages.RunCheck) (_ any, err error) {
	begun := time.Now()
	db, err := t.fresh()
	if err != nil {
		return nil, err
	}
	defer t.closeQuietly(db)
	t.tell("check", 0, 0, "")
	kind := kindFrom(m.GetKind())
	r, err := db.Check(t.ctx, CheckOptions{Kind: kind, SQLite: m.GetSqlite(), OrphansMax: foreignKeysMax,
		Alone:    m.GetJob().GetPriority() <= messages.Priority_PRIORITY_BACKGROUND,
		Progress: func(done, total int64) { t.tell("check", done, total, "pages") }})
	if fault.IsDamage(err) { // so bad that not even the check could begin
		r, err = damaged(kind, err), nil
	}
	if err != nil {
		return nil, err
	}
	if len(m.GetRules()) > 0 && r.Verdict != check.Damaged {
		rules, err := db.RunRules(t.ctx, rulesFrom(m.GetRules()))
		if err != nil {
			return nil, err
		}
		r.RuleBreaks = rules.RuleBreaks
	}
	report := reportTo(r, kind)
	report.DurationMs = time.Since(begun).Milliseconds()
	report.CheckedAtUnixMs = time.Now().UnixMilli()
	return report, nil
}

func damaged(kind check.Kind, err error) check.Report {
	what := "structure"
	if fault.CodeOf(err) == fault.NotADatabase {
		what = "header"
	}
	return check.Report{Verdict: check.Damaged, Engine: check.EngineSQLite, Kind: kind,
		Findings: []check.Finding{{Kind: what, Detail: detail(err)}}}
}

func detail(err error) string {
	var e *fault.Error
	if errors.As(err, &e) {
		return e.Text
	}
	return err.Error()
}

func (t *task) checkpoint(m *messages.CheckpointDatabase) (any, error) {
	mode := m.GetMode()
	switch mode {
	case "":
		mode = "passive"
	case "passive", "full", "restart", "truncate":
	default:
		return nil, fault.New(fault.Invalid, t.op, "there is no checkpoint mode %q", mode)
	}
	begun := time.Now()
	logFrames, doneFrames, err := t.db.Checkpoint(t.ctx, mode)
	busy := fault.CodeOf(err) == fault.Busy
	if err != nil && !busy {
		return nil, err
	}
	return &messages.CheckpointReport{LogFrames: max(int64(logFrames), 0), DoneFrames: max(int64(doneFrames), 0),
		Busy: busy || doneFrames < logFrames, DurationMs: time.Since(begun).Milliseconds()}, nil
}

func (t *task) inspectWAL() (any, error) {
	w, err := t.db.WALIndex(t.ctx)
	if err != nil {
		return nil, err
	}
	return &messages.WalIndex{Known: w.Known, JournalMode: w.JournalMode, Litestream: w.Litestream, Device: w.Device,
		Inode: w.Inode, Frames: w.Frames, Backfilled: w.Backfilled, ReadMarks: w.ReadMarks}, nil
}
