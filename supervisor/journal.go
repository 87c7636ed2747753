package supervisor

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/journal"
	"github.com/officer-doofy/officer/internal/manifest"
)

// Figures of the journal on disk.
const (
	journalSlack    = 250      // lines beyond eventsKept before the file is written anew
	journalBytesMax = 16 << 20 // a larger file is written anew too, with half of that
	journalReadMax  = 64 << 20 // nothing larger is Officer's
	journalTries    = 3        // to read it at the start: a device may fail once
	noteBytesMax    = 64 << 10
	noteEvery       = 6 * time.Hour // how often it is noted how far the chains went
)

// eventJournal is {home}/events.ndjson: what a tree told, a line an event. Lines are
// queued by the tree and written in the background, in order; important ones are fsynced.
// Beside it {home}/evidence.json notes how far this chain and that of the backups went,
// so that an end that was taken off shows too.
type eventJournal struct {
	files fsx.FS
	place place
	log   *slog.Logger

	queue     sync.Mutex // guards what follows up to noteDue; held only for a moment
	pending   [][]byte   // lines not written yet
	important bool       // one of them wants an fsync
	scheduled bool       // somebody is going to write them
	noteDue   bool       // the next important write notes the heads

	desk    sync.Mutex // held while the files are read or written; guards the rest
	size    int64      // of the whole lines on disk
	lines   int
	head    journal.Head // of what is on disk
	opened  bool
	unsure  bool // a write failed: what follows after size may be ours
	unkept  bool // an fsync failed: what it had to write is seen, and will never be on the device
	failing bool
	noted   note
	found   []finding // what was seen while writing

	eventsProved  provenEvents // what held when both chains were proved last
	backupsProved proof
}

// note is evidence.json.
type note struct {
	Oldest       uint64    `json:"oldest"` // sequence of the oldest event kept
	Sequence     uint64    `json:"sequence"`
	Hash         string    `json:"hash"`
	ManifestSeq  int64     `json:"manifest_seq"`
	ManifestHead string    `json:"manifest_head"`
	At           time.Time `json:"at"`
}

// finding names what was changed past Officer in one file.
type finding struct {
	file string // relative to home
	what []string
}

func (p place) journalFile() string  { return filepath.Join(p.home, "events.ndjson") }
func (p place) noteFile() string     { return filepath.Join(p.home, "evidence.json") }
func (p place) manifestFile() string { return filepath.Join(p.backupDir(), "backups.json") }

// openJournal reads the journal of a database. A file that cannot be read as one is
// kept aside when writing begins; nothing is written here. The lines are what it holds.
func openJournal(files fsx.FS, at place, log *slog.Logger) (*eventJournal, []journal.Line) {
	j := &eventJournal{files: files, place: at, log: log}
	if data, err := fsx.ReadLimited(files, at.noteFile(), noteBytesMax); err == nil {
		if err := json.Unmarshal(data, &j.noted); err != nil {
			log.Warn("the note about the event journal cannot be read", slog.Any("error", err))
		}
	}
	book, err := j.read()
	// Without it events would be numbered anew: a read that failed once is tried again.
	for try := 1; try < journalTries && err != nil && fault.CodeOf(err) != fault.Missing; try++ {
		book, err = j.read()
	}
	if err != nil && fault.CodeOf(err) != fault.Missing {
		log.Error("the event journal cannot be read", slog.Any("error", err))
	}
	j.adopt(book)
	j.opened = true
	j.noteDue = len(book.Breaks) > 0 || len(book.Against(j.noted.events())) > 0
	return j, book.Lines
}

// speak has another logger take what there is to say.
func (j *eventJournal) speak(log *slog.Logger) {
	j.desk.Lock()
	defer j.desk.Unlock()
	j.log = log
}

func (n note) events() journal.Head {
	return journal.Head{Oldest: n.Oldest, Sequence: n.Sequence, Hash: n.Hash}
}

func (j *eventJournal) read() (journal.Book, error) {
	data, err := j.bytes()
	if err != nil {
		return journal.Book{}, err
	}
	return j.parse(data), nil
}

// bytes gives what is on disk and is Officer's for sure.
func (j *eventJournal) bytes() ([]byte, error) {
	data, err := fsx.ReadLimited(j.files, j.place.journalFile(), journalReadMax)
	if err == nil && j.opened && j.unsure {
		data = data[:min(int64(len(data)), j.size)]
	}
	return data, err
}

func (j *eventJournal) parse(data []byte) journal.Book {
	book := journal.Read(data)
	if beginning, torn := book.Untorn(j.noted.events()); torn && !j.opened {
		j.log.Warn("the newest events were lost with the power", slog.Int("kept", len(beginning.Lines)))
		book = beginning
	}
	j.unsure = j.unsure || book.WholeBytes < len(data) // a crash cut the end off
	return book
}

// adopt takes what is on disk for what is known.
func (j *eventJournal) adopt(book journal.Book) {
	j.size, j.lines, j.head = int64(book.WholeBytes), len(book.Lines), journal.Head{}
	if n := len(book.Lines); n > 0 {
		j.head = journal.Head{Oldest: book.Lines[0].Sequence, Sequence: book.Lines[n-1].Sequence, Hash: book.Lines[n-1].Hash}
	}
}

// put queues a line; true asks the caller to see to a write.
func (j *eventJournal) put(line []byte, important bool) bool {
	j.queue.Lock()
	defer j.queue.Unlock()
	if len(j.pending) >= 2*eventsKept { // the disk fails for long: the newest are worth most
		j.pending = j.pending[eventsKept:]
	}
	j.pending = append(j.pending, line)
	j.important = j.important || important
	was := j.scheduled
	j.scheduled = true
	return !was
}

// write brings what is queued to disk. At the end of a life everything is fsynced and noted.
func (j *eventJournal) write(now time.Time, end bool) {
	j.desk.Lock()
	defer j.desk.Unlock()
	j.queue.Lock()
	lines, important, noteDue, written := j.pending, j.important, j.noteDue, false
	j.pending, j.important, j.scheduled = nil, false, false
	j.queue.Unlock()
	err := error(fault.New(fault.Internal, "write event journal", "it panicked"))
	defer func() { // also of a panic, which ends this function and not the tree: the lines belong to the chain
		if err != nil && !written {
			j.unsure = true
			j.queue.Lock()
			j.pending, j.important = append(lines, j.pending...), j.important || important
			j.queue.Unlock()
		}
	}()
	err = j.append(lines, important || end)
	written = err == nil
	if err == nil && (j.lines > eventsKept+journalSlack || j.size > journalBytesMax) {
		err = j.rotate() // the lines are written, whatever becomes of it
	}
	if err == nil && len(lines) > 0 && (end || important && (noteDue || now.Sub(j.noted.At) >= noteEvery)) {
		err = j.note(now)
	}
	switch {
	case err != nil && !j.failing:
		j.log.Error("events cannot be written down; they are kept in memory", slog.Any("error", err))
	case err == nil && j.failing:
		j.log.Info("events are written down again")
	}
	j.failing = err != nil
}

// owed tells whether there are lines that could not be written.
func (j *eventJournal) owed() bool {
	j.queue.Lock()
	defer j.queue.Unlock()
	return len(j.pending) > 0 && !j.scheduled
}

// append writes lines behind the last whole one.
func (j *eventJournal) append(lines [][]byte, durable bool) error {
	const op = "write event journal"
	if len(lines) == 0 {
		return nil
	}
	if err := j.ready(); err != nil {
		return err
	}
	if j.unkept && j.lines > 0 {
		if err := j.rotate(); err != nil {
			return err
		}
	}
	fresh := j.size == 0
	f, err := j.files.OpenFile(j.place.journalFile(), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fsx.Wrap(op, err)
	}
	data := append(bytes.Join(lines, []byte{'\n'}), '\n')
	if j.unsure {
		err = f.Truncate(j.size)
	}
	if err == nil {
		_, err = f.WriteAt(data, j.size)
	}
	if err == nil && durable {
		err = f.Sync()
		j.unkept = j.unkept || err != nil
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fsx.Wrap(op, err)
	}
	if fresh {
		if err := j.files.SyncDir(j.place.home); err != nil {
			return fsx.Wrap(op, err)
		}
	}
	added := journal.Read(data).Lines
	if n := len(added); n > 0 {
		if j.head.Oldest == 0 {
			j.head.Oldest = added[0].Sequence
		}
		j.head.Sequence, j.head.Hash = added[n-1].Sequence, added[n-1].Hash
	}
	j.size, j.lines, j.unsure = j.size+int64(len(data)), j.lines+len(lines), false
	return nil
}

// ready looks at the file before it is written: something else than a file is kept
// aside, and a size that Officer did not leave is a change past it.
func (j *eventJournal) ready() error {
	const op = "write event journal"
	info, err := j.files.Lstat(j.place.journalFile())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if j.size > 0 {
			j.found = append(j.found, finding{"events.ndjson", []string{"the file was removed while Officer ran"}})
		}
		j.adopt(journal.Book{})
		return nil
	case err != nil:
		return fsx.Wrap(op, err)
	case !info.Mode().IsRegular() || info.Size() > journalReadMax:
		aside := j.place.journalFile() + ".aside-" + time.Now().UTC().Format("20060102T150405Z")
		j.found = append(j.found, finding{"events.ndjson", []string{"something else lay in its place and is kept as " + filepath.Base(aside)}})
		j.adopt(journal.Book{})
		return fsx.Wrap(op, j.files.RenameNoReplace(j.place.journalFile(), aside))
	case info.Size() == j.size, j.unsure && info.Size() > j.size:
		return nil
	}
	j.found = append(j.found, finding{"events.ndjson", []string{"its size was changed while Officer ran"}})
	book, err := j.read()
	if err == nil {
		j.adopt(book)
	}
	return err
}

// rotate writes the file anew with the newest events. What is going to be the oldest is
// noted before, so that a crash in between looks like nothing.
func (j *eventJournal) rotate() error {
	book, err := j.read()
	if err != nil {
		return err
	}
	kept, data := book.Tail(eventsKept, journalBytesMax/2)
	j.head.Oldest = kept[0].Sequence
	if head := j.noted.events(); head.Oldest > 0 { // not how far the chain goes: that is not on the device yet
		head.Oldest = j.head.Oldest
		if err := j.noteHead(time.Now(), head); err != nil {
			return err
		}
	}
	if err := fsx.WriteAtomic(j.files, j.place.journalFile(), data, 0o600); err != nil {
		if now, rerr := j.read(); rerr == nil {
			j.adopt(now) // the new file may have its name already, but not durably
		}
		j.unkept = true
		return err
	}
	j.adopt(journal.Book{Lines: kept, WholeBytes: len(data)})
	j.unsure, j.unkept = false, false
	return nil
}

// note writes down how far both chains went.
func (j *eventJournal) note(now time.Time) error { return j.noteHead(now, j.head) }

func (j *eventJournal) noteHead(now time.Time, head journal.Head) error {
	n := note{Oldest: head.Oldest, Sequence: head.Sequence, Hash: head.Hash,
		ManifestSeq: j.noted.ManifestSeq, ManifestHead: j.noted.ManifestHead, At: now.UTC()}
	if m, err := j.manifest(); err == nil {
		n.ManifestSeq, n.ManifestHead = m.HeadLink()
	}
	data, err := json.MarshalIndent(n, "", "  ")
	if err == nil {
		err = fsx.WriteAtomic(j.files, j.place.noteFile(), append(data, '\n'), 0o600)
	}
	if err == nil {
		j.noted = n
		j.queue.Lock()
		j.noteDue = false
		j.queue.Unlock()
	}
	return err
}

func (j *eventJournal) manifest() (manifest.Manifest, error) {
	data, err := j.manifestBytes()
	if err != nil {
		return manifest.Manifest{}, err
	}
	return manifest.Parse(data)
}

func (j *eventJournal) manifestBytes() ([]byte, error) {
	return fsx.ReadLimited(j.files, j.place.manifestFile(), manifest.SizeBytesMax)
}
