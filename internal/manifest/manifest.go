// Package manifest is the list of backups of one database: what was taken, what
// was found out about it, and how all of it is chained together. It is pure: it
// turns bytes into values and back, and leaves files to others.
//
// # Chain
//
// Every entry gets the next Seq. Its evidence (what was taken: id, reason, time,
// size, SHA-256, content, source, figures) never changes and is hashed together with
// the hash of the entry before: Hash = SHA-256(evidence, Prev). What does change (file,
// tier, pinned, state, verdicts, drill) is covered by Seal = SHA-256(Hash, state).
// An entry that is dropped leaves a Tombstone with its Seq, Prev and Hash, so the
// chain stays checkable from the first backup to the last; runs of old tombstones
// are folded into one. Head is the hash of the newest link: note it elsewhere (the
// log does) and nobody can rewrite the list unseen.
package manifest

import (
	"slices"
	"time"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/retention"
)

// Version is the format this package writes; it reads nothing newer.
const Version = 1

// SizeBytesMax is the largest manifest that is read.
const SizeBytesMax = 64 << 20

// Codes of this package's errors, beside those of package fault. They are not
// evidence about the database: the manifest can be rebuilt from the files.
const (
	Damaged fault.Code = "manifest_damaged" // cut, wrong types, paths that leave the folder, duplicate ids
	Newer   fault.Code = "manifest_newer"   // written by a newer Officer: leave it alone
)

// Verdicts of a backup.
const (
	Unverified = "unverified" // nobody has looked yet, or not since the manifest was rebuilt
	Verified   = "verified"   // read back, checked and equal to its snapshot
	Rotten     = "damaged"    // its bytes are not what was written, or fail the check
	Missing    = "missing"    // its file is gone
	Changed    = "changed"    // a healthy database, but not the one that was written
)

// States of an entry that keep it out of the rotation.
const (
	StateSuspect     = "suspect"     // taken from a database that failed its check
	StateQuarantined = "quarantined" // found rotten, or set aside
)

// VerdictAt is one judgement of a backup.
type VerdictAt struct {
	At      time.Time `json:"at"`
	Verdict string    `json:"verdict"`
	How     string    `json:"how,omitempty"`    // "backup", "scrub", "verify", "drill"
	Detail  string    `json:"detail,omitempty"` // one sentence when it is not good
}

// Drill is the outcome of the newest restore drill of a backup.
type Drill struct {
	At         time.Time `json:"at"`
	OK         bool      `json:"ok"`
	DurationMS int64     `json:"duration_ms"`
	RestoreMS  int64     `json:"restore_ms,omitempty"` // until it could be opened and queried
	CheckMS    int64     `json:"check_ms,omitempty"`
	Detail     string    `json:"detail,omitempty"`
}

// LastDrill is the newest restore drill of all. It stands in the list itself, because
// retention may have dropped the backup that was drilled.
type LastDrill struct {
	ID    string    `json:"id"` // of the backup that was restored
	Taken time.Time `json:"taken_at"`
	Drill Drill     `json:"drill"`
	Seal  string    `json:"seal"`
}

// Entry is one backup. Fields up to WorstWriterStallMS are evidence and never
// change once appended; the others are state and change by Update.
type Entry struct {
	Seq    int64     `json:"seq"` // position in the chain, from 1
	ID     string    `json:"id"`
	Reason string    `json:"reason"`   // why it was taken: "schedule", "start", "before vacuum", the user's words
	Taken  time.Time `json:"taken_at"` // UTC, whole seconds; equals the time in ID

	SizeBytes     int64  `json:"size_bytes"`
	PageSize      int64  `json:"page_size"` // bytes; 0 = unknown (rebuilt)
	SHA256        string `json:"sha256"`    // hex of the whole file
	Content              // tables, schema_digest
	Source        Source `json:"source"`
	SQLiteVersion string `json:"sqlite_version"` // engine that made the copy

	CopyMS             int64 `json:"copy_ms"`
	VerifyMS           int64 `json:"verify_ms"`
	WorstWriterStallMS int64 `json:"worst_writer_stall_ms"`

	File     string         `json:"file"` // relative to the backups folder, with slashes
	Tier     retention.Tier `json:"tier"`
	Verified bool           `json:"verified"`
	Verdict  string         `json:"verdict"`            // the newest one
	Verdicts []VerdictAt    `json:"verdicts,omitempty"` // oldest first: the first one and the newest ones
	Drill    *Drill         `json:"drill,omitempty"`
	Pinned   bool           `json:"pinned"`
	// PinnedUntil ends a pin that Officer set itself: this was the last backup before the
	// schema changed. Zero = no such pin.
	PinnedUntil time.Time `json:"pinned_until,omitzero"`
	State       string    `json:"state,omitempty"` // "", StateSuspect or StateQuarantined

	Prev string `json:"prev"` // Hash of the link before, "" for the first
	Hash string `json:"hash"`
	Seal string `json:"seal"`
}

// Tombstone stands for one dropped entry, or for a run of them (FirstSeq < LastSeq).
type Tombstone struct {
	FirstSeq  int64     `json:"first_seq"`
	LastSeq   int64     `json:"last_seq"`
	ID        string    `json:"id"` // the last one's
	DroppedAt time.Time `json:"dropped_at"`
	Reason    string    `json:"reason"`
	Prev      string    `json:"prev"` // Prev of FirstSeq
	Hash      string    `json:"hash"` // Hash of LastSeq
}

// Manifest is the list. It is a value: every method returns a changed copy and
// leaves the receiver alone, so that it can be adopted once it is safely on disk.
type Manifest struct {
	Version  int         `json:"version"`
	Database string      `json:"database"` // name of the database, see SafeName
	Entries  []Entry     `json:"entries"`  // sorted by time taken, then id
	Dropped  []Tombstone `json:"dropped,omitempty"`
	Drilled  *LastDrill  `json:"last_drill,omitempty"`
}

// FileFact is what a file under the backups folder tells by itself.
type FileFact struct {
	Path      string // relative to the backups folder, with slashes
	SizeBytes int64
	PageSize  int64  // from its header; 0 = unknown
	SHA256    string // hex; "" = not read yet
}

// Break is a place where the chain does not hold.
type Break struct {
	ID   string // the entry; "" when a link between entries is missing
	Seq  int64
	Text string // one sentence
}

// New is an empty manifest of a database; name as SafeName gives it.
func New(database string) Manifest {
	return Manifest{Version: Version, Database: SafeName(database), Entries: []Entry{}}
}

// Find gives the entry with this id.
func (m Manifest) Find(id string) (Entry, bool) {
	if i := m.index(id); i >= 0 {
		return m.Entries[i], true
	}
	return Entry{}, false
}

func (m Manifest) index(id string) int {
	return slices.IndexFunc(m.Entries, func(e Entry) bool { return e.ID == id })
}

// Newest gives the newest verified entry that is neither suspect nor quarantined.
func (m Manifest) Newest() (Entry, bool) {
	for i := len(m.Entries) - 1; i >= 0; i-- {
		if e := m.Entries[i]; e.Verified && e.State == "" {
			return e, true
		}
	}
	return Entry{}, false
}

// NextID gives the id for a backup taken at t that this manifest has not used.
func (m Manifest) NextID(t time.Time) string {
	return NewID(t, func(id string) bool {
		return m.index(id) >= 0 || slices.ContainsFunc(m.Dropped, func(d Tombstone) bool { return d.ID == id })
	})
}

// Backups gives the entries as retention sees them.
func (m Manifest) Backups() []retention.Backup {
	out := make([]retention.Backup, 0, len(m.Entries))
	for _, e := range m.Entries {
		out = append(out, retention.Backup{
			ID: e.ID, TakenAt: e.Taken, Tier: e.Tier, Verified: e.Verified, Pinned: e.Pinned, PinnedUntil: e.PinnedUntil,
			Suspect: e.State == StateSuspect, Quarantined: e.State == StateQuarantined, SizeBytes: e.SizeBytes,
		})
	}
	return out
}
