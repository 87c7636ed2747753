package manifest

import "slices"

// Table is what one table of a database holds: its row count and an
// order-independent digest of (rowid, values), hex of 128 bits. The digest is equal
// for two tables exactly when they hold the same rows with the same rowids, types
// and bytes (up to a collision of 2^-64).
type Table struct {
	Name   string `json:"name"`
	Rows   int64  `json:"rows"`
	Digest string `json:"digest"`
}

// Content is what a database holds as of one snapshot.
type Content struct {
	Tables       []Table `json:"tables"`        // sorted by name
	SchemaDigest string  `json:"schema_digest"` // SHA-256 hex of sqlite_schema's type, name, tbl_name, sql, plus user_version, application_id and encoding
}

// Source says which state of which file a snapshot was taken from, so that a
// later run can tell whether anything changed since.
type Source struct {
	Device        uint64 `json:"device,omitempty"`
	Inode         uint64 `json:"inode,omitempty"`
	ChangeCounter uint32 `json:"change_counter"`       // header bytes 24..27, read through the pager
	SchemaCookie  uint32 `json:"schema_cookie"`        // header bytes 40..43
	WALSalt       uint64 `json:"wal_salt,omitempty"`   // salt-1<<32 | salt-2 of the WAL header, 0 = no WAL content
	WALFrames     uint32 `json:"wal_frames,omitempty"` // committed frames in the WAL
	JournalMode   string `json:"journal_mode"`         // "wal", "delete", "truncate", "persist", "memory", "off"
	WriterVersion int    `json:"writer_version"`       // header bytes 96..99: SQLITE_VERSION_NUMBER of the last writer
}

// Equal tells whether two snapshots hold the same: schema, tables, rows.
func (c Content) Equal(other Content) bool {
	return c.SchemaDigest == other.SchemaDigest && slices.Equal(c.Tables, other.Tables)
}
