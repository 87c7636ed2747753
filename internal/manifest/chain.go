package manifest

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/retention"
)

// evidence is what Hash covers, beside Prev. A field added here or in Content and
// Source must be omitted when empty, or the hashes of older entries change.
type evidence struct {
	Seq                int64     `json:"seq"`
	ID                 string    `json:"id"`
	Reason             string    `json:"reason"`
	Taken              time.Time `json:"taken_at"`
	SizeBytes          int64     `json:"size_bytes"`
	PageSize           int64     `json:"page_size"`
	SHA256             string    `json:"sha256"`
	Content            Content   `json:"content"`
	Source             Source    `json:"source"`
	SQLiteVersion      string    `json:"sqlite_version"`
	CopyMS             int64     `json:"copy_ms"`
	VerifyMS           int64     `json:"verify_ms"`
	WorstWriterStallMS int64     `json:"worst_writer_stall_ms"`
	Prev               string    `json:"prev"`
}

func (e Entry) evidence() ([]byte, error) {
	return json.Marshal(evidence{
		Seq: e.Seq, ID: e.ID, Reason: e.Reason, Taken: e.Taken, SizeBytes: e.SizeBytes, PageSize: e.PageSize,
		SHA256: e.SHA256, Content: e.Content, Source: e.Source, SQLiteVersion: e.SQLiteVersion,
		CopyMS: e.CopyMS, VerifyMS: e.VerifyMS, WorstWriterStallMS: e.WorstWriterStallMS, Prev: e.Prev,
	})
}

// hash is what Hash must be.
func (e Entry) hash() (string, error) {
	data, err := e.evidence()
	if err != nil {
		return "", err
	}
	return digest(data), nil
}

// seal is what Seal must be.
func (e Entry) seal() (string, error) {
	data, err := json.Marshal(struct {
		Hash     string
		File     string
		Tier     retention.Tier
		Verdict  string
		Verdicts []VerdictAt
		Drill    *Drill
		Pinned   bool
		State    string
		// Absent when there is none, so that the seals of older entries hold.
		PinnedUntil time.Time `json:",omitzero"`
	}{e.Hash, e.File, e.Tier, e.Verdict, e.Verdicts, e.Drill, e.Pinned, e.State, e.PinnedUntil})
	if err != nil {
		return "", err
	}
	return digest(data), nil
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// link is one place in the chain: an entry or a tombstone.
type link struct {
	first, last int64
	prev, hash  string
	id          string
	entry       *Entry // nil for a tombstone
}

// links gives the whole chain in its order.
func (m Manifest) links() []link {
	out := make([]link, 0, len(m.Entries)+len(m.Dropped))
	for i := range m.Entries {
		e := &m.Entries[i]
		out = append(out, link{e.Seq, e.Seq, e.Prev, e.Hash, e.ID, e})
	}
	for _, d := range m.Dropped {
		out = append(out, link{d.FirstSeq, d.LastSeq, d.Prev, d.Hash, d.ID, nil})
	}
	sort.SliceStable(out, func(a, b int) bool { return out[a].first < out[b].first })
	return out
}

// Head is the hash of the newest link, "" for an empty chain.
func (m Manifest) Head() string {
	_, hash := m.head()
	return hash
}

func (m Manifest) head() (seq int64, hash string) {
	if links := m.links(); len(links) > 0 {
		l := links[len(links)-1]
		return l.last, l.hash
	}
	return 0, ""
}

// VerifyChain names every entry that was changed, added or taken out past this
// package. Call it right after Parse: the next Update seals an entry anew. Links cut
// off at the end show only when Head is compared with one noted elsewhere.
func (m Manifest) VerifyChain() []Break {
	var breaks []Break
	at := func(l link, format string, args ...any) {
		breaks = append(breaks, Break{ID: l.id, Seq: l.first, Text: fmt.Sprintf(format, args...)})
	}
	before := link{}
	for _, l := range m.links() {
		if l.entry != nil {
			if hash, err := l.entry.hash(); err != nil || hash != l.hash {
				at(l, "the record of backup %s was changed after it was written", l.id)
			}
			if seal, err := l.entry.seal(); err != nil || seal != l.entry.Seal {
				at(l, "the state of backup %s (tier, verdicts or pin) was changed by something else than Officer", l.id)
			}
		}
		switch {
		case l.first <= before.last:
			at(l, "backup %s stands at position %d of the list, which is taken", l.id, l.first)
		case l.first != before.last+1:
			breaks = append(breaks, Break{Seq: before.last + 1, Text: fmt.Sprintf("%d records before backup %s were taken out of the list", l.first-before.last-1, l.id)})
		case l.prev != before.hash && before.id == "":
			at(l, "backup %s does not begin the list as it says", l.id)
		case l.prev != before.hash:
			// Had this link's own prev been changed, its hash would not fit either.
			at(before, "the record of backup %s is not the one that backup %s was chained to", before.id, l.id)
		}
		before = l
	}
	if d := m.Drilled; d != nil {
		if seal, err := d.seal(); err != nil || seal != d.Seal {
			breaks = append(breaks, Break{ID: d.ID, Text: "the record of the last restore drill was changed by something else than Officer"})
		}
	}
	return breaks
}

// VerifyHead compares the chain with a head that was noted elsewhere: seq and hash as
// HeadLink gave them. It tells what was cut off or replaced, "" = nothing.
func (m Manifest) VerifyHead(seq int64, hash string) string {
	last, _ := m.head()
	if last < seq {
		return fmt.Sprintf("the newest %d records of the list were taken off (it ends at position %d, but %d was noted)", seq-last, last, seq)
	}
	for _, l := range m.links() {
		if l.last == seq && l.hash != hash {
			return fmt.Sprintf("position %d of the list is not the backup that was noted there", seq)
		}
	}
	return ""
}

// HeadLink is the position and hash of the newest link, 0 and "" for an empty chain.
func (m Manifest) HeadLink() (seq int64, hash string) { return m.head() }

// Append adds an entry and chains it; Seq, Prev, Hash and Seal are filled in, and
// File and Taken too when empty.
func (m Manifest) Append(e Entry) (Manifest, error) {
	taken, ok := ParseID(e.ID)
	if !ok {
		return m, fault.New(fault.Invalid, "add backup to manifest", "%q is not the id of a backup", e.ID)
	}
	if m.index(e.ID) >= 0 {
		return m, fault.New(fault.Invalid, "add backup to manifest", "backup %s is already listed", e.ID)
	}
	if e.File == "" {
		e.File = FileName(m.Database, e.ID, e.Tier)
	}
	if e.Taken.IsZero() {
		e.Taken = taken
	}
	e.Taken = e.Taken.UTC().Truncate(time.Second)
	seq, head := m.head()
	e.Seq, e.Prev = seq+1, head
	e = cleaned(e)
	var err error
	if e.Hash, err = e.hash(); err != nil {
		return m, fault.Wrap(fault.Invalid, "add backup to manifest", "its record cannot be written", err)
	}
	return m.put(-1, e, "add backup to manifest")
}

// Update changes an entry's state. It refuses a change of evidence.
func (m Manifest) Update(id string, change func(*Entry)) (Manifest, error) {
	const op = "change backup in manifest"
	i := m.index(id)
	if i < 0 {
		return m, fault.New(fault.Missing, op, "no backup %s is listed", id)
	}
	e := m.Entries[i].clone()
	change(&e)
	e = cleaned(e)
	old, err := m.Entries[i].evidence()
	if err != nil {
		return m, fault.Wrap(fault.Invalid, op, "its record cannot be written", err)
	}
	if now, err := e.evidence(); err != nil || !bytes.Equal(old, now) || e.Hash != m.Entries[i].Hash {
		return m, fault.New(fault.Invalid, op, "the record of backup %s cannot be changed any more", id)
	}
	return m.put(i, e, op)
}

// Move puts an entry into another tier and names its file accordingly.
func (m Manifest) Move(id string, tier retention.Tier) (Manifest, error) {
	return m.Update(id, func(e *Entry) {
		if p, ok := ParseFileName(e.File); ok {
			e.Tier, e.File = tier, FileName(p.Name, id, tier)
		}
	})
}

// verdictsMax bounds an entry's history: a scrub a week for over a year.
const verdictsMax = 64

// Judge adds a verdict to an entry's history and makes it the current one.
func (m Manifest) Judge(id string, v VerdictAt) (Manifest, error) {
	return m.Update(id, func(e *Entry) {
		v.At = v.At.UTC()
		e.Verdict = v.Verdict
		e.Verdicts = append(e.Verdicts, v)
		if len(e.Verdicts) > verdictsMax {
			e.Verdicts = slices.Delete(e.Verdicts, 1, 1+len(e.Verdicts)-verdictsMax)
		}
	})
}

// Replace puts new evidence under an id that exists, for a rebuilt entry that was
// verified again: the old link becomes a tombstone, the new one is appended.
func (m Manifest) Replace(e Entry, at time.Time, reason string) (Manifest, error) {
	without, err := m.Drop(e.ID, at, reason)
	if err != nil {
		return m, err
	}
	out, err := without.Append(e)
	if err != nil {
		return m, err
	}
	return out, nil
}

// put seals e and sets it at i, or adds it for i < 0.
func (m Manifest) put(i int, e Entry, op string) (Manifest, error) {
	e.Verified = e.Verdict == Verified
	var err error
	if e.Seal, err = e.seal(); err != nil {
		return m, fault.Wrap(fault.Invalid, op, "its record cannot be written", err)
	}
	if text := e.wrong(); text != "" {
		return m, fault.New(fault.Invalid, op, "backup %s: %s", e.ID, text)
	}
	m.Entries = slices.Clone(m.Entries)
	if i < 0 {
		m.Entries = append(m.Entries, e)
	} else {
		m.Entries[i] = e
	}
	oldestFirst(m.Entries)
	return m, nil
}

// oldestFirst sorts by time taken.
func oldestFirst(list []Entry) {
	sort.Slice(list, func(i, k int) bool {
		a, b := &list[i], &list[k]
		return cmp.Or(a.Taken.Compare(b.Taken), cmp.Compare(len(a.ID), len(b.ID)), cmp.Compare(a.ID, b.ID)) < 0
	})
}

// Drop removes an entry and leaves a tombstone. The file goes after this is on disk.
func (m Manifest) Drop(id string, at time.Time, reason string) (Manifest, error) {
	i := m.index(id)
	if i < 0 {
		return m, fault.New(fault.Missing, "drop backup from manifest", "no backup %s is listed", id)
	}
	e := m.Entries[i]
	m.Entries = slices.Delete(slices.Clone(m.Entries), i, i+1)
	stone := Tombstone{FirstSeq: e.Seq, LastSeq: e.Seq, ID: e.ID, DroppedAt: at.UTC(), Reason: strings.ToValidUTF8(reason, "?"), Prev: e.Prev, Hash: e.Hash}
	m.Dropped = append(slices.Clone(m.Dropped), stone)
	sort.Slice(m.Dropped, func(a, b int) bool { return m.Dropped[a].FirstSeq < m.Dropped[b].FirstSeq })
	if len(m.Dropped) > tombstonesMax {
		m.Dropped = folded(m.Dropped)
	}
	return m, nil
}

// Tombstones say why a backup is gone; the newest tombstonesKept keep saying it for
// themselves when there are more than tombstonesMax.
const (
	tombstonesMax  = 256
	tombstonesKept = 128
)

// folded joins neighbours among all but the newest tombstones.
func folded(stones []Tombstone) []Tombstone {
	old := len(stones) - tombstonesKept
	out := stones[:1:1]
	for i, s := range stones[1:] {
		last := &out[len(out)-1]
		if i+1 >= old || last.LastSeq+1 != s.FirstSeq {
			out = append(out, s)
			continue
		}
		s.FirstSeq, s.Prev = last.FirstSeq, last.Prev
		*last = s
	}
	return out
}

// clone is a copy that shares nothing that Update's callers may write to.
func (e Entry) clone() Entry {
	e.Tables, e.Verdicts = slices.Clone(e.Tables), slices.Clone(e.Verdicts)
	if e.Drill != nil {
		d := *e.Drill
		e.Drill = &d
	}
	return e
}

// cleaned makes every text valid UTF-8 (names of tables need not be), because JSON
// would change it on the way and the hash would not fit any more.
func cleaned(e Entry) Entry {
	e = e.clone()
	if e.Tables == nil {
		e.Tables = []Table{}
	}
	texts := []*string{&e.Reason, &e.SHA256, &e.SchemaDigest, &e.Source.JournalMode, &e.SQLiteVersion, &e.Verdict}
	for i := range e.Tables {
		texts = append(texts, &e.Tables[i].Name, &e.Tables[i].Digest)
	}
	for i := range e.Verdicts {
		texts = append(texts, &e.Verdicts[i].Verdict, &e.Verdicts[i].How, &e.Verdicts[i].Detail)
	}
	if e.Drill != nil {
		texts = append(texts, &e.Drill.Detail)
		e.Drill.At = e.Drill.At.UTC()
	}
	if !e.PinnedUntil.IsZero() {
		e.PinnedUntil = e.PinnedUntil.UTC().Truncate(time.Second)
	}
	for _, s := range texts {
		*s = strings.ToValidUTF8(*s, "?")
	}
	return e
}
