package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/officer-doofy/officer/internal/fault"
)

// Parse reads a manifest. Errors carry fault.TooBig, Damaged or Newer. It checks
// the form, not the chain: see VerifyChain. Fields it does not know are ignored.
func Parse(data []byte) (Manifest, error) {
	const op = "read manifest"
	if len(data) > SizeBytesMax {
		return Manifest{}, fault.New(fault.TooBig, op, "it has %d bytes; at most %d are read", len(data), SizeBytesMax)
	}
	if bytes.HasPrefix(data, []byte("\xef\xbb\xbf")) {
		return Manifest{}, fault.New(Damaged, op, "it begins with a byte order mark, so another program has written it")
	}
	var m Manifest
	if err := json.Unmarshal(data, &m); err != nil || m.Version > Version {
		return Manifest{}, unread(data, err)
	}
	if text := m.wrong(); text != "" {
		return Manifest{}, fault.New(Damaged, op, "%s", text)
	}
	for i := range m.Entries {
		m.Entries[i].Taken = m.Entries[i].Taken.UTC()
	}
	oldestFirst(m.Entries)
	return m, nil
}

// unread says why a list could not be taken; that it is of a newer Officer first, whose fields may be of other types.
func unread(data []byte, wrong error) error {
	const op = "read manifest"
	var head struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return fault.Wrap(Damaged, op, "it is not whole", err)
	}
	if head.Version > Version {
		return fault.New(Newer, op, "it has version %d; this Officer knows versions up to %d", head.Version, Version)
	}
	return fault.Wrap(Damaged, op, "a field has the wrong type", wrong)
}

// Marshal writes the manifest: indented, sorted by time taken, the same bytes for
// the same value. It refuses what Parse would refuse.
func (m Manifest) Marshal() ([]byte, error) {
	const op = "write manifest"
	if text := m.wrong(); text != "" {
		return nil, fault.New(fault.Invalid, op, "%s", text)
	}
	m.Entries = append([]Entry{}, m.Entries...) // [] and not null
	oldestFirst(m.Entries)
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(m); err != nil {
		return nil, fault.Wrap(fault.Invalid, op, "it cannot be written as JSON", err)
	}
	if b.Len() > SizeBytesMax {
		return nil, fault.New(fault.TooBig, op, "it would have %d bytes; at most %d are read back", b.Len(), SizeBytesMax)
	}
	return b.Bytes(), nil
}

// wrong says what is wrong with the form of a manifest, "" = nothing.
func (m Manifest) wrong() string {
	if m.Version < 1 {
		return fmt.Sprintf("its version is %d", m.Version)
	}
	if m.Database != SafeName(m.Database) {
		return fmt.Sprintf("%q is not the name of a database", m.Database)
	}
	seen := make(map[string]bool, len(m.Entries))
	for i, e := range m.Entries {
		if text := e.wrong(); text != "" {
			return fmt.Sprintf("entry %d (%q): %s", i, e.ID, text)
		}
		if seen[e.ID] {
			return fmt.Sprintf("backup %s is listed twice", e.ID)
		}
		seen[e.ID] = true
	}
	for i, d := range m.Dropped {
		if _, ok := ParseID(d.ID); !ok || d.FirstSeq < 1 || d.LastSeq < d.FirstSeq {
			return fmt.Sprintf("tombstone %d (%q) stands for no backup", i, d.ID)
		}
	}
	return ""
}

// wrong says what is wrong with the form of an entry, "" = nothing. That its path
// follows from its id also keeps absolute and ../ paths out.
func (e Entry) wrong() string {
	taken, ok := ParseID(e.ID)
	if !ok {
		return "its id is not one of a backup"
	}
	if !e.Taken.Equal(taken) {
		return fmt.Sprintf("it was taken at %s, which is not the time in its id", e.Taken.UTC())
	}
	if p, ok := ParseFileName(e.File); !ok || p.ID != e.ID || p.Tier != e.Tier {
		return fmt.Sprintf("its file %q is not where a %s backup of this id lies", e.File, e.Tier)
	}
	if e.Seq < 1 || e.SizeBytes < 0 || e.PageSize < 0 {
		return "its position or size is negative"
	}
	if e.SHA256 != "" && !isSHA256(e.SHA256) {
		return "its SHA-256 is none"
	}
	if e.State != "" && e.State != StateSuspect && e.State != StateQuarantined {
		return fmt.Sprintf("its state %q is unknown", e.State)
	}
	if e.Verified != (e.Verdict == Verified) {
		return fmt.Sprintf("its verdict is %q, yet verified is %t", e.Verdict, e.Verified)
	}
	return ""
}

func isSHA256(s string) bool {
	if len(s) != 64 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
