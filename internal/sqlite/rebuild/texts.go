package rebuild

import (
	"bytes"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"github.com/officer-doofy/officer/internal/page"
	"github.com/officer-doofy/officer/internal/salvage"
	"github.com/officer-doofy/officer/internal/schema"
)

// texts binds values. The driver takes text as UTF-8 and SQLite turns it into the
// encoding of the database; what does not survive that is bound as a blob and cast,
// which reads its bytes in the encoding of the database
// (https://sqlite.org/lang_expr.html#castexpr).
type texts struct {
	encoding     page.Encoding
	utf8, native []byte
}

// odd tells whether a text among the values would change on its way.
func (t *texts) odd(values []salvage.Value) bool {
	if t.encoding == page.UTF8 {
		return false
	}
	for _, v := range values {
		if v.Class != schema.ClassText {
			continue
		}
		t.utf8 = t.encoding.AppendUTF8(t.utf8[:0], v.Bytes)
		t.native = t.encoding.AppendFrom(t.native[:0], string(t.utf8))
		if !bytes.Equal(t.native, v.Bytes) {
			return true
		}
	}
	return false
}

func (t *texts) bind(s *sqlite3.Stmt, i int, v salvage.Value, asBlob bool) error {
	switch v.Class {
	case schema.ClassInteger:
		return s.BindInt64(i, v.Int)
	case schema.ClassReal:
		return s.BindFloat(i, v.Real)
	case schema.ClassText:
		if asBlob {
			return s.BindBlob(i, v.Bytes)
		}
		if t.encoding != page.UTF8 {
			t.utf8 = t.encoding.AppendUTF8(t.utf8[:0], v.Bytes)
			return s.BindRawText(i, t.utf8)
		}
		return s.BindRawText(i, v.Bytes)
	case schema.ClassBlob:
		if len(v.Bytes) == 0 {
			return s.BindZeroBlob(i, 0) // no bytes at all would be NULL
		}
		return s.BindBlob(i, v.Bytes)
	}
	return s.BindNull(i)
}

// literal writes a value as SQL does.
func (t *texts) literal(v salvage.Value) string {
	switch v.Class {
	case schema.ClassInteger:
		return strconv.FormatInt(v.Int, 10)
	case schema.ClassReal:
		return strconv.FormatFloat(v.Real, 'g', -1, 64)
	case schema.ClassText:
		t.utf8 = t.encoding.AppendUTF8(t.utf8[:0], v.Bytes)
		return "'" + strings.ReplaceAll(string(t.utf8), "'", "''") + "'"
	case schema.ClassBlob:
		return "x'" + hex.EncodeToString(v.Bytes) + "'"
	}
	return "NULL"
}
