package disk

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/officer-doofy/officer/internal/shell"
	"github.com/officer-doofy/officer/messages"
)

// What could go to make room, by what it is.
const (
	walFreeable  = "WAL that a checkpoint empties"
	logsFreeable = "old logs"

	// filesMax bounds a look: who has more files than that in a home has another problem.
	filesMax = 10_000
)

// freeableIn lists what could go. Nothing of it goes by itself for want of room: undo
// points and damaged files are the only way back.
func freeableIn(ctx context.Context, cfg Config, walBytes int64) (list []*messages.Freeable) {
	add := func(what string, bytes int64, how string) {
		if bytes > 0 {
			list = append(list, &messages.Freeable{What: what, Bytes: bytes, How: how})
		}
	}
	c := &counting{ctx: ctx, cfg: cfg}
	add(walFreeable, walBytes, "officer checkpoint "+shell.Word(cfg.Database))
	logs := filepath.Join(cfg.Home, "logs")
	add(logsFreeable, c.below(logs, func(name string) bool { return strings.HasPrefix(name, cfg.Name+".log.") }),
		"rm "+shell.Word(filepath.Join(logs, cfg.Name+".log."))+"*")
	quarantine := filepath.Join(cfg.Home, "quarantine")
	for _, set := range c.list(quarantine) {
		if set.IsDir() {
			path := filepath.Join(quarantine, set.Name())
			add("undo point or damaged files of "+set.Name(), c.below(path, nil), "rm -r "+shell.Word(path))
		}
	}
	backups := filepath.Join(cfg.Home, "backups")
	for _, year := range c.list(backups) {
		for _, tier := range []string{"suspect", "quarantined"} {
			path := filepath.Join(backups, year.Name(), tier)
			if year.IsDir() {
				add(tier+" backups of "+year.Name(), c.below(path, nil), "rm -r "+shell.Word(path))
			}
		}
	}
	return list
}

// counting adds up files, at most filesMax of them.
type counting struct {
	ctx   context.Context
	cfg   Config
	files int
}

type entry interface {
	Name() string
	IsDir() bool
}

func (c *counting) list(dir string) (entries []entry) {
	if c.files > filesMax || c.ctx.Err() != nil {
		return nil
	}
	found, err := c.cfg.Files.ReadDir(dir)
	if err != nil {
		return nil
	}
	for _, e := range found {
		entries = append(entries, e)
	}
	c.files += len(entries)
	return entries
}

// below gives the bytes of all files in a folder; wanted chooses among those at its top.
func (c *counting) below(dir string, wanted func(name string) bool) (bytes int64) {
	for _, e := range c.list(dir) {
		path := filepath.Join(dir, e.Name())
		switch {
		case wanted != nil && !wanted(e.Name()):
		case e.IsDir():
			bytes += c.below(path, nil)
		default:
			if info, err := c.cfg.Files.Lstat(path); err == nil && info.Mode().IsRegular() {
				bytes += info.Size()
			}
		}
	}
	return bytes
}
