package manifest

import (
	"cmp"
	"maps"
	"slices"
	"sort"
	"time"

	"github.com/officer-doofy/officer/internal/retention"
)

// Rebuild makes a manifest from what the files tell; everything in it is
// unverified. Strays are the paths that are not backups of this layout, or second
// files of the same backup.
func Rebuild(database string, files []FileFact) (m Manifest, strays []string) {
	r := New(database).Reconcile(files, time.Time{})
	return r.Manifest, r.Strays
}

// Reconciled is a manifest that names exactly the files that are there, and how it
// came to that.
type Reconciled struct {
	Manifest Manifest
	Found    []string // ids of files that were not listed: now listed and unverified
	Gone     []string // ids whose file is missing: now dropped
	Moved    []string // ids whose file lies in another tier's folder: now listed there
	Strays   []string // paths that are not backups, or second files of the same backup
}

// Reconcile brings the list and the files together after a crash or a visit by
// someone else: files are believed about where they lie, the list about the rest.
func (m Manifest) Reconcile(files []FileFact, at time.Time) Reconciled {
	out := Reconciled{Manifest: m}
	byID := map[string]FileFact{}
	files = slices.Clone(files)
	sort.Slice(files, func(a, b int) bool { return byTimeThenPath(files[a], files[b]) < 0 })
	for _, f := range files {
		p, ok := ParseFileName(f.Path)
		if !ok {
			out.Strays = append(out.Strays, f.Path)
			continue
		}
		other, twice := byID[p.ID]
		if !twice {
			byID[p.ID] = f
			continue
		}
		if e, listed := m.Find(p.ID); listed && e.File == f.Path {
			f, byID[p.ID] = other, f
		}
		out.Strays = append(out.Strays, f.Path)
	}
	for _, e := range m.Entries {
		f, there := byID[e.ID]
		delete(byID, e.ID)
		p, _ := ParseFileName(f.Path)
		switch {
		case !there:
			if next, err := out.Manifest.Drop(e.ID, at, "its file is missing"); err == nil {
				out.Manifest, out.Gone = next, append(out.Gone, e.ID)
			}
		case f.Path != e.File:
			move := func(e *Entry) { e.Tier, e.File = p.Tier, f.Path }
			if next, err := out.Manifest.Update(e.ID, move); err == nil {
				out.Manifest, out.Moved = next, append(out.Moved, e.ID)
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		next, err := out.Manifest.Append(entryOf(byID[id]))
		if err != nil {
			out.Strays = append(out.Strays, byID[id].Path)
			continue
		}
		out.Manifest, out.Found = next, append(out.Found, id)
	}
	return out
}

func byTimeThenPath(a, b FileFact) int {
	pa, _ := ParseFileName(a.Path)
	pb, _ := ParseFileName(b.Path)
	return cmp.Or(cmp.Compare(pa.ID, pb.ID), cmp.Compare(a.Path, b.Path))
}

// entryOf is all that a file tells about its backup.
func entryOf(f FileFact) Entry {
	p, _ := ParseFileName(f.Path)
	e := Entry{
		ID: p.ID, Reason: "found on disk", Taken: p.TakenAt, SizeBytes: f.SizeBytes, PageSize: f.PageSize,
		SHA256: f.SHA256, File: f.Path, Tier: p.Tier, Verdict: Unverified, Pinned: p.Tier == retention.Pinned,
	}
	switch p.Tier {
	case retention.Suspect:
		e.State = StateSuspect
	case retention.Quarantined:
		e.State = StateQuarantined
	}
	return e
}
