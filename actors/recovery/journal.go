package recovery

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/loss"
	"github.com/officer-doofy/officer/internal/manifest"
)

const (
	recordVersion  = 1
	recordBytesMax = 16 << 20 // a hundred thousand tables; a larger file is not ours
	setTries       = 1000     // sets of one second; more is a clock that stands still

	intentFile = "intent.json"      // record of a restore or undo
	damageFile = "damage.json"      // record of kept evidence
	sourceFile = "intent-source.db" // private copy of what is put live; gone once it is
	matchFile  = "source.tmp"       // the owner's: the private copy in the live page size
	damageTail = "-damage"

	// Of a repair: what is put live before it is checked, and what stays beside the undo point.
	candidateFile = "candidate.db"
	asideFile     = "recovery-lost_and_found.db"
	pageFile      = "recovery-report.html"
	jsonFile      = "recovery-report.json"
	setLayout     = "20060102T150405Z"
)

// States of a record. Staging: the owner was not asked yet. Begun: it may have changed
// the live database. Live: it answered that the candidate is in place and compared.
// Verified: all is done, the record is the undo point. Aborted: the old database stands.
// Doubtful: the live database was changed, but is not what was wanted. Keeping and
// Kept are those of evidence.
const (
	stateStaging  = "staging"
	stateBegun    = "begun"
	stateLive     = "live"
	stateVerified = "verified"
	stateAborted  = "aborted"
	stateDoubtful = "doubtful"
	stateKeeping  = "keeping"
	stateKept     = "kept"
)

// Kinds of a record.
const (
	kindRestore = "restore"
	kindUndo    = "undo"
	kindRepair  = "repair"
	kindDamage  = "damage"
)

var (
	setName    = regexp.MustCompile(`^\d{8}T\d{6}Z(-\d{1,4})?(-damage)?$`)
	knownKinds = map[string][]string{
		kindRestore: {stateStaging, stateBegun, stateLive, stateVerified, stateAborted, stateDoubtful},
		kindUndo:    {stateStaging, stateBegun, stateLive, stateVerified, stateAborted, stateDoubtful},
		kindRepair:  {stateStaging, stateBegun, stateLive, stateVerified, stateAborted, stateDoubtful},
		kindDamage:  {stateKeeping, stateKept},
	}
)

// record is what the journal of one set says. It holds names, never paths: where files
// lie follows from the set's own place, so a forged record cannot point elsewhere.
type record struct {
	Version int       `json:"version"`
	Kind    string    `json:"kind"`
	State   string    `json:"state"`
	Began   time.Time `json:"began_at"`
	Ended   time.Time `json:"ended_at"`   // verified, aborted, or the damage gone
	Expires time.Time `json:"expires_at"` // zero = by count only

	RestoredFrom string `json:"restored_from,omitempty"` // backup id or id of the set
	SHA256       string `json:"sha256,omitempty"`        // of the private copy
	SizeBytes    int64  `json:"size_bytes,omitempty"`
	Confirmed    bool   `json:"confirmed,omitempty"`
	Damaged      bool   `json:"damaged,omitempty"` // damage had been seen twice when it began
	Repeats      string `json:"repeats,omitempty"` // the killed set that this one carries out again
	UndoFrom     string `json:"undo_from,omitempty"`
	BackedUpAs   string `json:"backed_up_as,omitempty"` // the backup of a database of which nobody could tell

	SchemaCookie *uint32 `json:"schema_cookie,omitempty"` // of the live database right before; nil = unknown

	Before    *manifest.Content `json:"before,omitempty"` // nil = could not be read
	After     *manifest.Content `json:"after,omitempty"`  // what was wanted
	Database  string            `json:"database"`         // file name of the live database
	KeptFiles []string          `json:"kept_files,omitempty"`
	InPlace   bool              `json:"in_place,omitempty"`
	Found     string            `json:"found,omitempty"`  // what a later look found
	Damage    string            `json:"damage,omitempty"` // fingerprint of the findings

	Evidence string       `json:"evidence,omitempty"`  // of a repair: the set it was made from
	OnlyOver string       `json:"only_over,omitempty"` // of a repair: hash of the files it may replace
	Loss     *loss.Report `json:"loss,omitempty"`      // of a repair: what came from where
}

// validate gives the first thing that is wrong with a record.
func (r record) validate() error {
	bad := func(format string, args ...any) error {
		return fault.New(fault.Invalid, "read restore journal", format, args...)
	}
	if r.Version != recordVersion {
		return bad("version %d, this Officer reads %d", r.Version, recordVersion)
	}
	known := false
	for _, s := range knownKinds[r.Kind] {
		known = known || s == r.State
	}
	switch {
	case !known:
		return bad("kind %q with state %q", r.Kind, r.State)
	case r.Began.IsZero():
		return bad("no time")
	case !plainName(r.Database):
		return bad("database %q is not a file name", r.Database)
	case r.Repeats != "" && !setName.MatchString(r.Repeats), r.UndoFrom != "" && !setName.MatchString(r.UndoFrom),
		r.Evidence != "" && !setName.MatchString(r.Evidence):
		return bad("not a set: %q %q %q", r.Repeats, r.UndoFrom, r.Evidence)
	case r.SizeBytes < 0:
		return bad("size %d", r.SizeBytes)
	}
	for _, name := range r.KeptFiles {
		if !plainName(name) {
			return bad("kept file %q is not a file name", name)
		}
	}
	return nil
}

func plainName(name string) bool {
	// A backslash is part of a name, except where it separates: there Base cuts at it.
	return name != "" && name != "." && name != ".." && len(name) <= 255 &&
		!strings.ContainsAny(name, "/\x00") && filepath.Base(name) == name
}

// parseRecord reads a journal and refuses everything it did not write.
func parseRecord(data []byte) (record, error) {
	var r record
	if err := json.Unmarshal(data, &r); err != nil {
		return record{}, fault.Wrap(fault.Invalid, "read restore journal", "not a journal", err)
	}
	r = r.renamed(read)
	if err := r.validate(); err != nil {
		return record{}, err
	}
	return r, nil
}

// rawName begins a file name that is no UTF-8, and therefore no text of JSON: what follows
// is its bytes in hexadecimal. No file name holds a NUL.
const rawName = "\x00"

// renamed gives the record with other words for its file names.
func (r record) renamed(how func(string) string) record {
	r.Database, r.KeptFiles = how(r.Database), slices.Clone(r.KeptFiles)
	for i, name := range r.KeptFiles {
		r.KeptFiles[i] = how(name)
	}
	return r
}

func written(name string) string {
	if utf8.ValidString(name) {
		return name
	}
	return rawName + hex.EncodeToString([]byte(name))
}

// read takes written back; what it did not write stays, and is no file name.
func read(name string) string {
	if raw, ok := strings.CutPrefix(name, rawName); ok {
		if b, err := hex.DecodeString(raw); err == nil {
			return string(b)
		}
	}
	return name
}

// set is one directory of quarantine with its record.
type set struct {
	id  string // name of the directory
	dir string
	rec record
	err error // the record could not be read; rec is empty
}

func (s *set) source() string { return filepath.Join(s.dir, sourceFile) }

// mayUndo tells whether the set holds what a restore replaced.
func (s *set) mayUndo() bool {
	if s.err != nil || s.rec.Kind == kindDamage {
		return false
	}
	return s.rec.State == stateVerified || s.rec.State == stateLive || s.rec.State == stateDoubtful
}

// open tells that a restore was begun and its outcome never written down.
func (s *set) open() bool {
	if s.err != nil {
		return false
	}
	switch s.rec.State {
	case stateStaging, stateBegun, stateLive, stateDoubtful:
		return true
	}
	return false
}

// database is the path of the kept database file.
func (s *set) database() string {
	for _, name := range s.rec.KeptFiles {
		if name == s.rec.Database {
			return filepath.Join(s.dir, name)
		}
	}
	for _, name := range s.rec.KeptFiles {
		if !hasTail(name) {
			return filepath.Join(s.dir, name)
		}
	}
	return filepath.Join(s.dir, s.rec.Database)
}

func hasTail(name string) bool {
	for _, tail := range tails() {
		if strings.HasSuffix(name, tail) {
			return true
		}
	}
	return false
}

// tails are the files SQLite lays beside a database (https://sqlite.org/tempfiles.html).
func tails() []string { return []string{"-wal", "-journal", "-shm"} }

// quarantine is the directory of all sets.
type quarantine struct {
	fs   fsx.FS
	dir  string
	mine *madeSets // needed to make sets and to remove those that were never begun
}

// madeSets are the folders that this life made: their record may be in the making, also in
// the second in which this life began and another one was killed.
type madeSets struct {
	sync.Mutex
	ids map[string]bool
}

// save writes the record of a set, durably and whole.
func (q quarantine) save(s *set) error {
	data, err := json.MarshalIndent(s.rec.renamed(written), "", "  ")
	if err != nil {
		return fault.Wrap(fault.Internal, "write restore journal", "the record has no JSON form", err)
	}
	return fsx.WriteAtomic(q.fs, filepath.Join(s.dir, recordFile(s.rec.Kind)), append(data, '\n'), 0o600)
}

func recordFile(kind string) string {
	if kind == kindDamage {
		return damageFile
	}
	return intentFile
}

// create makes the directory of a new set and writes its first record.
func (q quarantine) create(rec record) (*set, error) {
	if err := q.fs.MkdirAll(q.dir); err != nil {
		return nil, err
	}
	s, err := q.makeFolder(rec)
	if err != nil {
		return nil, err
	}
	for _, dir := range []string{q.dir, filepath.Dir(q.dir)} {
		if err := q.fs.SyncDir(dir); err != nil {
			return nil, err
		}
	}
	return s, q.save(s)
}

func (q quarantine) makeFolder(rec record) (*set, error) {
	q.mine.Lock()
	defer q.mine.Unlock()
	id, err := q.freeID(rec)
	if err != nil {
		return nil, err
	}
	if q.mine.ids == nil {
		q.mine.ids = map[string]bool{}
	}
	q.mine.ids[id] = true
	s := &set{id: id, dir: filepath.Join(q.dir, id), rec: rec}
	return s, q.fs.MkdirAll(s.dir)
}

func (q quarantine) freeID(rec record) (string, error) {
	tail := ""
	if rec.Kind == kindDamage {
		tail = damageTail
	}
	stamp := rec.Began.UTC().Format(setLayout)
	for i := 1; i <= setTries; i++ {
		id := stamp + tail
		if i > 1 {
			id = stamp + "-" + strconv.Itoa(i) + tail
		}
		if _, err := q.fs.Lstat(filepath.Join(q.dir, id)); errors.Is(err, fs.ErrNotExist) {
			return id, nil
		} else if err != nil {
			return "", err
		}
	}
	return "", fault.New(fault.Refused, "make quarantine", "%d sets of the second %s", setTries, stamp)
}

// sets lists all sets, oldest first. Directories without a record are not sets; nothing
// else in quarantine is looked at.
func (q quarantine) sets() ([]*set, error) {
	entries, err := q.fs.ReadDir(q.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []*set
	for _, e := range entries {
		if !e.IsDir() || !setName.MatchString(e.Name()) {
			continue
		}
		if s := q.load(e.Name()); s != nil {
			all = append(all, s)
		}
	}
	sortSets(all)
	return all, nil
}

func (q quarantine) load(id string) *set {
	s := &set{id: id, dir: filepath.Join(q.dir, id)}
	name := intentFile
	if strings.HasSuffix(id, damageTail) {
		name = damageFile
	}
	data, err := fsx.ReadLimited(q.fs, filepath.Join(s.dir, name), recordBytesMax)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		s.rec, err = parseRecord(data)
	}
	if err == nil && (s.rec.Kind == kindDamage) != (name == damageFile) {
		err = fault.New(fault.Invalid, "read restore journal", "kind %q in %s", s.rec.Kind, name)
	}
	s.err = err
	return s
}
