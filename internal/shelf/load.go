package shelf

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strconv"
	"time"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/internal/retention"
)

// keptAsideMax bounds the damaged manifests of one second that are kept.
const keptAsideMax = 100

// Load reads the manifest and finds files that a killed move left in another tier. A
// lost manifest is rebuilt from the files, a damaged one is kept aside as
// backups.json.damaged-{time} first; why then says so in one sentence, else it is "". A
// manifest written by a newer Officer is an error (manifest.Newer), and so is one that
// cannot be read (fault.IO, fault.Permission): it may be whole.
func (s *Shelf) Load(ctx context.Context, now time.Time) (m manifest.Manifest, why string, err error) {
	const op = "load manifest"
	if err := s.guard(op, "."); err != nil {
		return m, "", err
	}
	if !s.cfg.Looks {
		if err := s.cfg.FS.MkdirAll(s.cfg.Dir); err != nil {
			return m, "", fsx.Wrap(op, err)
		}
		if err := s.guard(op, "."); err != nil {
			return m, "", err
		}
	}
	m, err = s.read()
	switch fault.CodeOf(err) {
	case "":
		healed, changed := s.heal(m)
		if changed {
			err = s.keep(healed)
		}
		return healed, "", err
	case fault.Missing:
		return s.rebuild(ctx, "backups.json was lost")
	case manifest.Damaged, fault.TooBig, fault.Refused:
		if s.cfg.Looks {
			return s.rebuild(ctx, "backups.json is damaged")
		}
		aside, aerr := s.keepAside(now)
		if aerr != nil {
			return m, "", aerr
		}
		return s.rebuild(ctx, "backups.json was damaged and is kept as "+aside)
	}
	return m, "", err
}

// keep saves what a load found out, unless it only looks.
func (s *Shelf) keep(m manifest.Manifest) error {
	if s.cfg.Looks {
		return nil
	}
	return s.Save(m)
}

func (s *Shelf) read() (manifest.Manifest, error) {
	data, err := fsx.ReadLimited(s.cfg.FS, filepath.Join(s.cfg.Dir, manifestName), manifest.SizeBytesMax)
	if err != nil {
		return manifest.Manifest{}, err
	}
	return manifest.Parse(data)
}

// rebuild makes the manifest again from the files and saves it. An empty shelf is not
// worth a word: there was nothing to lose.
func (s *Shelf) rebuild(ctx context.Context, why string) (manifest.Manifest, string, error) {
	found, err := s.walk()
	if err != nil {
		return manifest.Manifest{}, "", err
	}
	if err := ctx.Err(); err != nil {
		return manifest.Manifest{}, "", fault.Wrap(fault.Interrupted, "rebuild manifest", "stopped before the end", err)
	}
	m, _ := manifest.Rebuild(s.cfg.Name, s.facts(found.backups))
	if err := s.keep(m); err != nil {
		return manifest.Manifest{}, "", err
	}
	if len(m.Entries) == 0 && why == "backups.json was lost" {
		return m, "", nil
	}
	return m, why + "; " + strconv.Itoa(len(m.Entries)) + " backups were found again and must be verified", nil
}

func (s *Shelf) keepAside(now time.Time) (string, error) {
	base := manifestName + ".damaged-" + now.UTC().Format("20060102T150405Z")
	from := filepath.Join(s.cfg.Dir, manifestName)
	for i := 1; ; i++ {
		name := base
		if i > 1 {
			name += "-" + strconv.Itoa(i)
		}
		err := s.cfg.FS.RenameNoReplace(from, filepath.Join(s.cfg.Dir, name))
		if err == nil {
			return name, fsx.Wrap("keep damaged manifest", s.cfg.FS.SyncDir(s.cfg.Dir))
		}
		if !errors.Is(err, fs.ErrExist) || i == keptAsideMax {
			return "", fsx.Wrap("keep damaged manifest", err)
		}
	}
}

// heal looks for the file of an entry under the same name in the other tiers: a move
// without hard links renames first, and may have been killed before it saved.
func (s *Shelf) heal(m manifest.Manifest) (manifest.Manifest, bool) {
	changed := false
	for _, e := range m.Entries {
		if _, err := s.Size(e.File); fault.CodeOf(err) != fault.Missing {
			continue
		}
		p, ok := manifest.ParseFileName(e.File)
		if !ok {
			continue
		}
		for _, tier := range tiers() {
			rel := manifest.FileName(p.Name, p.ID, tier)
			if _, err := s.Size(rel); err != nil {
				continue
			}
			next, err := m.Update(e.ID, func(e *manifest.Entry) { e.File, e.Tier = rel, tier })
			if err == nil {
				m, changed = next, true
			}
			break
		}
	}
	return m, changed
}

func tiers() []retention.Tier {
	return []retention.Tier{retention.Recent, retention.Daily, retention.Weekly, retention.Monthly,
		retention.Yearly, retention.Pinned, retention.Suspect, retention.Quarantined}
}
