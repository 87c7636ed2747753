// Package shelf is where backups lie: the folder {home}/backups with its manifest
// backups.json, its tier folders and its temporary files. It is the only part of
// Officer that changes them, in an order that leaves the manifest whole and without a
// missing file wherever the machine stops (promises P1, P2, P7).
//
// Names inside the folder are relative, with slashes; no other form is accepted, and
// a symbolic link in the place of a folder is refused (promise P13). A Shelf holds no
// state: its caller owns the manifest and lets one change run at a time.
package shelf

import (
	"context"
	"time"

	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/internal/retention"
)

// Config says which shelf.
type Config struct {
	FS   fsx.FS
	Dir  string // {home}/backups, absolute; made when missing
	Name string // name of the database, from manifest.SafeName
}

// Shelf is the folder of backups of one database.
type Shelf struct {
	cfg Config
}

// New gives the shelf; nothing is read or written yet.
func New(cfg Config) *Shelf { return &Shelf{cfg: cfg} }

// Load reads the manifest. A lost one is rebuilt from the files, a damaged one is kept
// aside as backups.json.damaged-{time} first; why then says so in one sentence, else it
// is "". A manifest written by a newer Officer is an error (manifest.Newer).
func (s *Shelf) Load(ctx context.Context, now time.Time) (m manifest.Manifest, why string, err error) {
	return manifest.New(s.cfg.Name), "", nil
}

// Save makes m the manifest on disk, the old or the new one whatever happens.
func (s *Shelf) Save(m manifest.Manifest) error { return nil }

// Temp makes the folder of the file rel and gives the absolute path of the temporary
// file in it under which the copy is to be written.
func (s *Shelf) Temp(rel, id string) (path string, err error) { return "", nil }

// Discard removes a temporary file and what SQLite may have left beside it.
func (s *Shelf) Discard(temp string) error { return nil }

// Publish gives the temporary file its final name, durably and without replacing
// anything.
func (s *Shelf) Publish(temp, rel string) error { return nil }

// Move puts backups into other tiers (id → tier) and saves the manifest.
func (s *Shelf) Move(m manifest.Manifest, to map[string]retention.Tier) (manifest.Manifest, error) {
	return m, nil
}

// Remove takes a backup out of the manifest, saves it, and then removes the file.
func (s *Shelf) Remove(m manifest.Manifest, id string, at time.Time, reason string) (manifest.Manifest, error) {
	return m, nil
}

// Sweep is the janitor: it removes temporary files that Officer named and lists files in
// tier folders that the manifest does not know, as unverified. It never deletes a backup.
func (s *Shelf) Sweep(m manifest.Manifest, at time.Time) (swept manifest.Manifest, removed, listed []string, err error) {
	return m, nil, nil, nil
}

// Hash reads a backup or a temporary file back from the device: SHA-256 in hex and size.
func (s *Shelf) Hash(ctx context.Context, path string) (sha256Hex string, sizeBytes int64, err error) {
	return "", 0, nil
}

// Size gives the size of a backup in bytes, fault.Missing when it is gone.
func (s *Shelf) Size(rel string) (sizeBytes int64, err error) { return 0, nil }

// Path gives the absolute path of a name inside the shelf and refuses every other.
func (s *Shelf) Path(rel string) (string, error) { return "", nil }

// Free tells how many bytes may still be written where the backups lie.
func (s *Shelf) Free() (freeBytes int64, err error) { return 0, nil }
