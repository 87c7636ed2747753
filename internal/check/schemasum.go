package check

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/officer-doofy/officer/internal/page"
)

// SchemaSum digests a schema: SHA-256 over the sorted rows of sqlite_schema without root
// pages, then user_version, application_id and encoding. Fields carry their length, so that
// no two schemas share a feed. The tables of ANALYZE are left out: they come with the
// first statistics, also with Officer's own, and are no change of the app's schema. What
// they hold is digested like every table (https://sqlite.org/fileformat2.html#the_sqlite_stat1_table).
type SchemaSum struct{ objects []string }

// Add takes one row, its texts in UTF-8; NULL is empty.
func (s *SchemaSum) Add(kind, name, table, sql string) {
	if n, ok := strings.CutPrefix(name, "sqlite_stat"); ok && len(n) == 1 && n[0] >= '1' && n[0] <= '4' {
		return
	}
	var object []byte
	for _, field := range []string{kind, name, table, sql} {
		object = binary.AppendUvarint(object, uint64(len(field)))
		object = append(object, field...)
	}
	s.objects = append(s.objects, string(object))
}

// Hex gives the digest; encoding is the name that PRAGMA encoding has for it.
func (s *SchemaSum) Hex(userVersion, applicationID int64, encoding string) string {
	slices.Sort(s.objects)
	h := sha256.New()
	for _, object := range s.objects {
		h.Write([]byte(object))
	}
	for _, v := range []int64{userVersion, applicationID} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(v)))
	}
	h.Write([]byte(encoding))
	return hex.EncodeToString(h.Sum(nil))
}

// Schema is what a check has seen of the schema. Compiling it costs SQLite seconds where
// there are thousands of tables, so what only has to be digested is not compiled.
type Schema struct {
	Digest string   // of SchemaSum, "" = pages do not tell it for certain
	Stores []string // the names of what stores rows and is no index, sorted; only with Digest
}

// schemaOf digests the rows of sqlite_schema. Texts in UTF-16 are left to SQLite, which
// has its own way with what is not valid.
func schemaOf(rows *schemaRows, h *page.Header) (s Schema) {
	if rows.beyond || len(rows.odd) > 0 || h.Encoding != page.UTF8 {
		return s
	}
	var sum SchemaSum
	for i := range rows.list {
		o := &rows.list[i]
		sum.Add(o.kind, o.name, o.table, o.sql)
		if o.root > 0 && o.kind != "index" {
			s.Stores = append(s.Stores, o.name)
		}
	}
	slices.Sort(s.Stores)
	s.Stores = slices.Compact(s.Stores)
	s.Digest = sum.Hex(int64(h.UserVersion), int64(h.ApplicationID), h.Encoding.String())
	return s
}
