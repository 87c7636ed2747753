package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	officer "github.com/officer-doofy/officer"
	"github.com/officer-doofy/officer/internal/control"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/report"
	"github.com/officer-doofy/officer/messages"
)

// diagnosis is one thing that doctor looked at.
type diagnosis struct {
	Check   string `json:"check"`
	Verdict string `json:"verdict"` // "ok", "warning", "bad", "unknown"
	Text    string `json:"text"`
	Hint    string `json:"hint"`
}

type doctorResult struct {
	report.Head
	Database string      `json:"database"`
	Checks   []diagnosis `json:"checks"`
}

func (c *cli) doctorVerb() *cobra.Command {
	return c.verb("doctor DB", "Look at everything around a database that safety depends on", cobra.ExactArgs(1), c.doctor)
}

func (c *cli) doctor(ctx context.Context, args []string) (*outcome, error) {
	path, err := filepath.Abs(args[0])
	if err != nil {
		return nil, usage(fmt.Sprintf("%q is no usable path", args[0]))
	}
	home := c.homeOf(path)
	out := &doctorResult{Database: path, Checks: []diagnosis{fileMode(path), homeMode(home), fileSystem(path)}}
	out.Checks = append(out.Checks, separate(path, home), reachable(ctx, home, path))
	out.Checks = append(out.Checks, c.within(ctx, args[0])...)
	code := report.Done
	for _, d := range out.Checks {
		switch d.Verdict {
		case "bad":
			code = report.Damage
		case "warning":
			code = max(code, report.Warnings)
		}
	}
	return &outcome{code: code, json: out, text: func(w io.Writer, s style) {
		for _, d := range out.Checks {
			mark := map[string]string{"ok": s.good(), "bad": s.bad(), "warning": s.warn()}[d.Verdict]
			if mark == "" {
				mark = "?"
			}
			fmt.Fprintf(w, "%s %-14s %s\n", mark, d.Check, clean(d.Text))
			if d.Hint != "" {
				fmt.Fprintf(w, "    → %s\n", clean(d.Hint))
			}
		}
	}}, nil
}

func fileMode(path string) diagnosis {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return diagnosis{"file", "bad", "the database file is not there or cannot be looked at", "officer list " + shown(path)}
	case !info.Mode().IsRegular():
		return diagnosis{"file", "bad", "it is not a regular file", "ls -l " + shown(path)}
	case info.Mode().Perm()&0o002 != 0:
		return diagnosis{"file", "warning", "everybody on this machine may write to it", "chmod o-w " + shown(path)}
	}
	return diagnosis{"file", "ok", report.Size(info.Size()) + ", mode " + info.Mode().Perm().String(), ""}
}

func homeMode(home string) diagnosis {
	info, err := os.Stat(home)
	switch {
	case os.IsNotExist(err):
		return diagnosis{"home", "unknown", shown(home) + " does not exist yet", ""}
	case err != nil || !info.IsDir():
		return diagnosis{"home", "bad", shown(home) + " is no folder that can be used", "ls -ld " + shown(home)}
	case info.Mode().Perm()&0o077 != 0:
		return diagnosis{"home", "warning", "others may look into " + shown(home) + ", where whole copies of the data lie", "chmod 700 " + shown(home)}
	}
	return diagnosis{"home", "ok", shown(home) + " belongs to you alone", ""}
}

func fileSystem(path string) diagnosis {
	space, err := fsx.OS().Space(filepath.Dir(path))
	if err != nil {
		return diagnosis{"volume", "unknown", "the volume does not tell its free space", ""}
	}
	text := fmt.Sprintf("%s free of %s, %s", report.Size(space.FreeBytes), report.Size(space.TotalBytes), space.FSType)
	switch space.FSType {
	case "nfs", "cifs", "smb", "smb2", "9p", "fuse", "afs":
		return diagnosis{"volume", "warning", text + ": locks and fsync of network file systems cannot be trusted", ""}
	}
	if space.FreeBytes < warnFreeBytes {
		return diagnosis{"volume", "warning", text, "df -h " + shown(filepath.Dir(path))}
	}
	return diagnosis{"volume", "ok", text, ""}
}

// warnFreeBytes is the default of disk.warn.
const warnFreeBytes = 1_000_000_000

func separate(path, home string) diagnosis {
	if officer.SameVolume(filepath.Dir(path), home) {
		return diagnosis{"other volume", "warning", "backups are on the same volume as the database: a broken disk would take both", "officer run --home /other/disk " + shown(path)}
	}
	if !exists(home) {
		return diagnosis{"other volume", "unknown", "there are no backups yet", ""}
	}
	return diagnosis{"other volume", "ok", "backups are on another volume", ""}
}

func reachable(ctx context.Context, home, path string) diagnosis {
	client, err := control.Dial(ctx, home, path)
	if err != nil {
		return diagnosis{"officer", "warning", "no Officer is running: backups are not being taken", "officer run " + shown(path)}
	}
	client.Close()
	return diagnosis{"officer", "ok", "a running Officer answers", ""}
}

// within looks at what only Officer itself can tell.
func (c *cli) within(ctx context.Context, database string) []diagnosis {
	st, r, err := looking[*messages.Status](ctx, c, database, true, &messages.GetStatus{})
	if err != nil {
		return []diagnosis{{"inside", "bad", textOf(err), ""}}
	}
	for _, k := range st.Health.GetConditions() {
		if k.Code == "not_a_database" {
			return []diagnosis{{"content", "bad", k.Text, k.Hint}}
		}
	}
	list := []diagnosis{{"journal", "ok", "journal mode " + st.Facts.GetJournalMode(), ""}}
	switch st.Facts.GetJournalMode() {
	case "":
		list[0] = diagnosis{"journal", "unknown", "the journal mode could not be read", ""}
	case "off", "memory":
		list[0] = diagnosis{"journal", "bad", "journal mode " + st.Facts.JournalMode + ": a crash of the app destroys the database", "sqlite3 " + shown(r.path) + " 'PRAGMA journal_mode=WAL'"}
	}
	if hazard := st.Wal.GetEngineHazard(); hazard != "" {
		list = append(list, diagnosis{"app's SQLite", "warning", hazard, ""})
	} else if v := st.Facts.GetSource().GetWriterVersion(); v > 0 {
		list = append(list, diagnosis{"app's SQLite", "ok", fmt.Sprintf("last written by SQLite %d.%d.%d", v/1000000, v/1000%1000, v%1000), ""})
	}
	for _, h := range st.Wal.GetHostages() {
		list = append(list, diagnosis{"readers", "warning", fmt.Sprintf("process %d (%s) holds %d pages of the WAL", h.Pid, h.Command, h.Pages), ""})
	}
	clock := diagnosis{"clock", "ok", "no backup is stamped in the future", ""}
	if b := st.LastVerifiedBackup; b != nil && time.UnixMilli(b.TakenAtUnixMs).After(time.Now().Add(time.Minute)) {
		clock = diagnosis{"clock", "bad", "the newest backup is stamped " + report.When(b.TakenAtUnixMs) + ", in the future: the clock was set back", "date"}
	}
	return append(list, clock)
}
