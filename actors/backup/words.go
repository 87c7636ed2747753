package backup

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/messages"
)

const takeOp = "take backup"

// didNothing is true of everything that fails before a backup is listed.
const didNothing = "No backup was made; the database and the backups that exist are untouched."

// failure turns an error into what people see; the chain of causes is for the log.
func (b *backup) failure(op string, err error) *messages.Failure {
	var known *messages.Failure
	if errors.As(err, &known) {
		f := messages.NewFailure(known.GetCode(), op, "%s", known.GetText())
		f.Did, f.Hints, f.DataChanged = known.GetDid(), known.GetHints(), known.GetDataChanged()
		if f.Did == "" {
			f.Did = "The backups that exist are untouched."
		}
		return f
	}
	return messages.NewFailure(string(fault.CodeOf(err)), op, "%s", sentence(err)).
		WithDid("The backups that exist are untouched.").WithHints("officer logs " + b.cfg.Database)
}

// sentence is the part of an error that people should read.
func sentence(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Text
	}
	var known *messages.Failure
	if errors.As(err, &known) {
		return known.GetText()
	}
	return "an unexpected error; the log has it"
}

func (b *backup) noBackup(op, id string) *messages.Failure {
	text := "there is no verified backup"
	if id != "" {
		text = fmt.Sprintf("there is no backup %q", id)
	}
	return messages.NewFailure("no_backup", op, "%s", text).
		WithHints("officer list "+b.cfg.Database, "officer backup "+b.cfg.Database)
}

func (b *backup) unreadable(err error) *messages.Failure {
	f := b.failure("load the list of backups", err)
	if fault.CodeOf(err) == manifest.Newer {
		f.Text = "backups.json was written by a newer Officer"
		return f.WithDid("It was left alone; nothing is backed up or deleted until then.").
			WithHints("officer version")
	}
	f.Hints = []string{"ls -la " + b.cfg.Shelf.Dir(), "officer logs " + b.cfg.Database}
	return f
}

func (b *backup) alreadyRunning() *messages.Failure {
	return messages.NewFailure("already_running", takeOp, "a backup is being made already, and %d wait behind it", behindMax).
		WithDid("Those go on; this request did nothing.").
		WithHints("officer list " + b.cfg.Database)
}

func (b *backup) full(needBytes, freeBytes int64) *messages.Failure {
	return messages.NewFailure("disk_full", takeOp,
		"the backup needs %s, %s are to stay free, and only %s are free in %s", size(needBytes),
		size(b.cfg.FreeMarginBytes), size(freeBytes), b.cfg.Shelf.Dir()).
		WithDid(didNothing).
		WithHints(fmt.Sprintf("Free %s on that volume, then: officer backup %s",
			size(needBytes+b.cfg.FreeMarginBytes-freeBytes), b.cfg.Database))
}

// size is a number of bytes for people; never rounded down to nothing.
func size(n int64) string {
	switch {
	case n >= 10_000_000_000:
		return fmt.Sprintf("%d GB", (n+500_000_000)/1_000_000_000)
	case n >= 1_000_000:
		return fmt.Sprintf("%d MB", (n+500_000)/1_000_000)
	case n >= 1000:
		return fmt.Sprintf("%d kB", (n+500)/1000)
	}
	return fmt.Sprintf("%d bytes", n)
}

// shown is an entry as others see it.
func (b *backup) shown(e manifest.Entry) *messages.Backup {
	verdict := e.Verdict
	if e.State == manifest.StateSuspect && verdict != manifest.Missing {
		verdict = manifest.StateSuspect
	}
	p := &messages.Backup{
		Id: e.ID, File: e.File, Path: filepath.Join(b.cfg.Shelf.Dir(), filepath.FromSlash(e.File)),
		Tier: string(e.Tier), Reason: e.Reason, TakenAtUnixMs: e.Taken.UnixMilli(),
		SizeBytes: e.SizeBytes, PageSize: e.PageSize, Sha256: e.SHA256,
		Verified: good(e), Verdict: verdict, Content: contentOut(e.Content), Source: sourceOut(e.Source),
		SqliteVersion: e.SQLiteVersion, CopyMs: e.CopyMS, VerifyMs: e.VerifyMS,
		WorstWriterStallMs: e.WorstWriterStallMS, Pinned: e.Pinned,
	}
	if e.PinnedUntil.After(b.cfg.Now()) {
		p.Pinned, p.PinnedUntilUnixMs = true, e.PinnedUntil.UnixMilli()
		if e.Pinned {
			p.PinnedUntilUnixMs = 0 // for ever
		}
	}
	if n := len(e.Verdicts); n > 0 {
		p.LastVerdictAtUnixMs = e.Verdicts[n-1].At.UnixMilli()
	}
	return p
}

func contentOut(c manifest.Content) *messages.Content {
	out := &messages.Content{SchemaDigest: c.SchemaDigest}
	for _, t := range c.Tables {
		out.Tables = append(out.Tables, &messages.Table{Name: strings.ToValidUTF8(t.Name, "?"), Rows: t.Rows, Digest: t.Digest})
	}
	return out
}

func contentIn(c *messages.Content) manifest.Content {
	out := manifest.Content{SchemaDigest: c.GetSchemaDigest(), Tables: []manifest.Table{}}
	for _, t := range c.GetTables() {
		out.Tables = append(out.Tables, manifest.Table{Name: t.GetName(), Rows: t.GetRows(), Digest: t.GetDigest()})
	}
	return out
}

func sourceOut(s manifest.Source) *messages.Source {
	return &messages.Source{Device: s.Device, Inode: s.Inode, ChangeCounter: s.ChangeCounter,
		SchemaCookie: s.SchemaCookie, WalSalt: s.WALSalt, WalFrames: s.WALFrames,
		JournalMode: s.JournalMode, WriterVersion: int64(s.WriterVersion)}
}

func sourceIn(s *messages.Source) manifest.Source {
	return manifest.Source{Device: s.GetDevice(), Inode: s.GetInode(), ChangeCounter: s.GetChangeCounter(),
		SchemaCookie: s.GetSchemaCookie(), WALSalt: s.GetWalSalt(), WALFrames: s.GetWalFrames(),
		JournalMode: s.GetJournalMode(), WriterVersion: int(s.GetWriterVersion())}
}

func findingsOut(in []check.Finding) []*messages.Finding {
	var out []*messages.Finding
	for _, f := range in {
		out = append(out, &messages.Finding{Kind: f.Kind, Object: f.Object, Page: f.Page, Detail: f.Detail,
			Rowid: f.Rowid, HasRowid: f.HasRowid})
	}
	return out
}

// told names the first findings in one sentence.
func told(findings []check.Finding) string {
	const most = 3
	text := ""
	for i, f := range findings {
		switch {
		case i == most:
			return fmt.Sprintf("%s; and %d more", text, len(findings)-most)
		case i > 0:
			text += "; "
		}
		if f.Object != "" {
			text += f.Object + ": "
		}
		text += f.Detail
	}
	return text
}
