package manifest

import (
	"time"

	"github.com/officer-doofy/officer/internal/retention"
)

// NewID gives the id of a backup taken at t: its UTC time in whole seconds
// ("20261122T174539Z"), with -2, -3 … appended while taken says that it is in use.
// Ids sort by time and are safe in a path and in a URL.
func NewID(t time.Time, taken func(id string) bool) string { return "" }

// ParseID gives the time in an id; ok is false when it is none.
func ParseID(id string) (takenAt time.Time, ok bool) { return time.Time{}, false }

// SafeName makes a name that is safe as the start of a file name everywhere out of
// a database's file name without extension: at most 120 bytes, no separators,
// control or reserved characters, never empty.
func SafeName(name string) string { return name }

// FileName gives the path of a backup relative to the backups folder:
// {year}/{tier}/{name}-{id}.db, the year being that of the UTC time in the id. Name
// must come from SafeName.
func FileName(name, id string, tier retention.Tier) string { return "" }

// Parts is what a backup's path says.
type Parts struct {
	Name    string
	ID      string
	Tier    retention.Tier
	TakenAt time.Time
}

// ParseFileName is the inverse of FileName; ok is false for every other path.
func ParseFileName(path string) (p Parts, ok bool) { return Parts{}, false }
