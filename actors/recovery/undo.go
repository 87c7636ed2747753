package recovery

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/shell"
	"github.com/officer-doofy/officer/messages"
)

// takeBack is the remedy that brings back what the last restore replaced. The order is
// explicit by itself, and the restore it makes is an undo point again.
func takeBack() []step {
	return append([]step{
		{"find the undo point", (*run).findUndo},
		{"preview the undo", (*run).preview},
		{"ask about damage", (*run).look},
		{"open the journal", (*run).journal},
		{"open the kept database", (*run).consolidate},
	}, goLive()...)
}

// findUndo takes the newest restore that went live, if it is not too old.
func (r *run) findUndo(context.Context) error {
	sets, err := r.quar.sets()
	if err != nil {
		return err
	}
	for _, s := range slices.Backward(sets) {
		if s.err == nil && s.rec.State == stateBegun {
			return r.openQuestion(s)
		}
		if !s.mayUndo() {
			continue
		}
		if age := r.began.Sub(s.rec.Began); age > r.cfg.UndoFor {
			return r.nothingToRestore(fmt.Sprintf("the last restore was on %s, and a restore can be taken back for %d days; its files are still in %s",
				when(s.rec.Began), int(r.cfg.UndoFor.Hours()/24), s.dir))
		}
		r.undoing = s
		from := s
		if s.rec.UndoFrom != "" {
			if older := r.quar.load(s.rec.UndoFrom); older != nil && older.err == nil {
				from = older
			}
		}
		from.keep(r.cfg.FS, from.rec.KeptFiles)
		r.pick = candidate{from: s.id, path: from.database(), content: from.rec.Before}
		for _, name := range from.rec.KeptFiles {
			if info, err := r.cfg.FS.Lstat(filepath.Join(from.dir, name)); err == nil {
				r.pick.size += info.Size()
			}
		}
		return nil
	}
	return r.nothingToRestore("no restore was made that could be taken back")
}

// openQuestion refuses an undo while it is not known whether the newest restore went
// live: taking back the one before it could be two steps at once.
func (r *run) openQuestion(s *set) error {
	return messages.NewFailure("restore_unfinished", r.op,
		"the restore that began on %s was interrupted, and it is not known yet what is in place; its files are in %s", s.since(), s.dir).
		WithDid("Nothing was changed.").WithHints(r.verb("run"), r.verb("restore", "--yes"))
}

// look learns whether the live database is damaged: that decides the priority only.
func (r *run) look(ctx context.Context) error {
	s, err := request[*messages.IntegrityStatus](ctx, r, "integrity", &messages.GetIntegrity{}, askTimeout)
	if err != nil {
		r.cfg.Log.Warn("integrity was not heard before an undo", "error", err)
	}
	r.suspect = s.GetSuspect()
	return nil
}

// consolidate has SQLite make one plain file of the kept database and its -wal.
func (r *run) consolidate(ctx context.Context) error {
	if err := r.room(); err != nil {
		return err
	}
	content, err := r.cfg.Scratch.Consolidate(ctx, r.pick.path, r.set.source())
	switch {
	case fault.IsDamage(err), fault.CodeOf(err) == fault.Missing:
		return messages.NewFailure("undo_unreadable", r.op,
			"the database that the restore replaced cannot be opened any more (it was damaged, or its files changed); it lies in %s", filepath.Dir(r.pick.path)).
			WithDid("Nothing was changed.").
			WithHints(r.verb("list"), "cp -r "+shell.Word(filepath.Dir(r.pick.path))+" "+shell.Word(r.cfg.Database+"-kept"))
	case err != nil:
		return err
	}
	r.pick.content = &content
	r.set.rec.After = &content
	return r.staged(ctx, r.set.source(), fsx.HashFile)
}

// intoFile is the remedy that leaves the live database alone: a new file is made.
func intoFile() []step {
	return []step{
		{"choose a backup", (*run).choose},
		{"look at the new file's place", (*run).place},
		{"read the backup back", (*run).readBack},
		{"preview the restore", (*run).previewFile},
		{"write the new file", (*run).writeFile},
	}
}

// place refuses a name that is taken, that belongs to the live database, or that would
// make SQLite read a stranger's -wal into the restored file.
func (r *run) place(context.Context) error {
	to := r.toFile
	bad := func(format string, args ...any) error {
		return messages.NewFailure("invalid", r.op, format, args...).WithDid("Nothing was written.").
			WithHints(r.verb("restore", r.pick.from, "--to", shell.Word(r.cfg.Database+".restored")))
	}
	if !filepath.IsAbs(to) {
		return bad("%q is not an absolute path", to)
	}
	dir, err := r.cfg.FS.Stat(filepath.Dir(to))
	if err != nil || !dir.IsDir() {
		return bad("there is no directory %s", filepath.Dir(to))
	}
	if inside(r.cfg.Home, to) {
		return bad("%s lies in Officer's own directory", to)
	}
	for _, tail := range append([]string{""}, tails()...) {
		if _, err := r.cfg.FS.Lstat(to + tail); err == nil {
			return bad("%s exists, and a restore never overwrites a file", to+tail)
		}
		if filepath.Base(to) == filepath.Base(r.cfg.Database)+tail && r.sameDir(filepath.Dir(to)) {
			return bad("%s is a name of the live database", to)
		}
	}
	return nil
}

func inside(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}

// sameDir tells whether dir is the directory of the live database, by inode where known.
func (r *run) sameDir(dir string) bool {
	home := filepath.Dir(r.cfg.Database)
	if filepath.Clean(dir) == filepath.Clean(home) {
		return true
	}
	a, aerr := r.cfg.FS.Stat(dir)
	b, berr := r.cfg.FS.Stat(home)
	if aerr != nil || berr != nil {
		return false
	}
	adev, aino, aok := r.cfg.FS.Identity(a)
	bdev, bino, bok := r.cfg.FS.Identity(b)
	return aok && bok && adev == bdev && aino == bino
}

func (r *run) previewFile(context.Context) error {
	r.report.RestoredFrom, r.report.ToFile = r.pick.from, r.toFile
	r.report.Tables = changes(nil, r.pick.content)
	r.report.DryRun, r.finished = r.dryRun, r.dryRun
	return nil
}

// writeFile copies under a name of Officer's, reads the copy back, and only then gives
// it the name that was asked for: whoever finds a file there finds it whole.
func (r *run) writeFile(ctx context.Context) (err error) {
	space, err := r.cfg.FS.Space(filepath.Dir(r.toFile))
	if err != nil {
		return err
	}
	if space.FreeBytes < r.pick.size+spareBytes {
		return messages.NewFailure(string(fault.Full), r.op, "the volume of %s has %d MB free, %d MB are needed",
			r.toFile, space.FreeBytes>>20, (r.pick.size+spareBytes)>>20).WithDid("Nothing was written.")
	}
	if err := r.sweepFile(); err != nil {
		return err
	}
	temp := madeName(r.toFile, r.began)
	r.noteMaking(temp)
	defer r.noteMade(temp)
	if err := fsx.CopyFile(ctx, r.cfg.FS, r.pick.path, temp, r.copied("copy")); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = r.cfg.FS.Remove(temp) // the error that matters is the first
		}
	}()
	sum, size, err := fsx.HashFile(ctx, r.cfg.FS, temp)
	if err != nil {
		return err
	}
	if sum != r.pick.sha256 || size != r.pick.size {
		return r.rotten(ctx, "could not be copied: the copy has other bytes")
	}
	if err := r.cfg.FS.RenameNoReplace(temp, r.toFile); err != nil {
		return err
	}
	if err := r.cfg.FS.SyncDir(filepath.Dir(r.toFile)); err != nil {
		r.cfg.Log.Warn("the directory of a restored file could not be synced", "file", r.toFile, "error", err)
	}
	return nil
}

// The name under which a new file is written carries the moment, so that a stray of a
// killed run is known as one and no file of somebody else is taken for it.
const (
	tempHead   = ".officer-"
	tempTail   = ".tmp"
	madeLayout = "20060102T150405.000000000Z" // setLayout with nanoseconds, which time.Parse takes for it
)

// sweepFile removes what killed runs left beside the new file.
func (r *run) sweepFile() error {
	dir := filepath.Dir(r.toFile)
	entries, err := r.cfg.FS.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		stamp, ok := strings.CutPrefix(e.Name(), filepath.Base(r.toFile)+tempHead)
		stamp, cut := strings.CutSuffix(stamp, tempTail)
		if _, err := time.Parse(setLayout, stamp); !ok || !cut || err != nil || !e.Type().IsRegular() {
			continue
		}
		if err := r.cfg.FS.Remove(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// holdsMore tells whether the killed set kept the older state: every file that the
// newer one kept is there, and at least as large. A set killed while it was being kept
// holds less; then the live database had not been touched, and the newer set has it.
func (s *set) holdsMore(fsys fsx.FS, newer *set) bool {
	for _, name := range newer.rec.KeptFiles {
		mine, err := fsys.Lstat(filepath.Join(s.dir, name))
		if err != nil {
			return false
		}
		theirs, err := fsys.Lstat(filepath.Join(newer.dir, name))
		if err != nil || mine.Size() < theirs.Size() {
			return false
		}
	}
	return len(newer.rec.KeptFiles) > 0
}

// since is when a record began, for people.
func (s *set) since() string { return when(s.rec.Began.Truncate(time.Second)) }
