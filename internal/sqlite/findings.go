package sqlite

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"github.com/officer-doofy/officer/internal/check"
)

// Kinds of findings that are named more than once.
const (
	kindModule    = "module"
	kindIndex     = "index"
	kindStructure = "structure"
	kindOrder     = "order"
)

// sentences are what integrity_check says, from pragma.c and btree.c of SQLite. The
// first group is the object. Anything else is kept as kind "structure".
var sentences = []struct {
	kind string
	re   *regexp.Regexp
}{
	{kindModule, regexp.MustCompile(`^unable to validate the inverted index for \S+ table (.+?): `)},
	{kindIndex, regexp.MustCompile(`^malformed inverted index for \S+ table (?:\w+\.)?(.+)$`)},
	{kindIndex, regexp.MustCompile(`^row \d+ missing from index (.+)$`)},
	{kindIndex, regexp.MustCompile(`^rowid not at end-of-record for row \d+ of index (.+)$`)},
	{kindIndex, regexp.MustCompile(`^row \d+ values differ from index (.+)$`)},
	{kindIndex, regexp.MustCompile(`^wrong # of entries in index (.+)$`)},
	{"unique", regexp.MustCompile(`^non-unique entry in index (.+)$`)},
	{"not_null", regexp.MustCompile(`^NULL value in (.+)\.[^.]*$`)},
	{"type", regexp.MustCompile(`^(?:non-\w+|NUMERIC|TEXT|\w+) value in (.+)\.[^.]*$`)},
	{"check", regexp.MustCompile(`^CHECK constraint failed in (.+)$`)},
	{kindOrder, regexp.MustCompile(`^row not in PRIMARY KEY order for (.+)$`)},
}

var pageOf = regexp.MustCompile(`\b[Pp]age (\d+)`)

// parseFindings parses one row of integrity_check. A row may hold several lines; "ok"
// and the heading "*** in database main ***" are none.
func parseFindings(row string) []check.Finding {
	var list []check.Finding
	for line := range strings.SplitSeq(row, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line == "ok" || strings.HasPrefix(line, "*** in database ") {
			continue
		}
		list = append(list, parseFinding(line))
	}
	return list
}

func parseFinding(line string) check.Finding {
	f := check.Finding{Kind: kindStructure, Detail: line}
	for _, s := range sentences {
		if m := s.re.FindStringSubmatch(line); m != nil {
			f.Kind, f.Object = s.kind, m[1]
			return f
		}
	}
	if m := pageOf.FindStringSubmatch(line); m != nil {
		f.Page, _ = strconv.ParseInt(m[1], 10, 64)
	}
	return f
}

// What integrity_check says of a page that it could not read (btree.c). It goes on then,
// calls all that hangs on the page damaged, and returns no error.
var (
	pageFailed   = regexp.MustCompile(`unable to get the page\. error code=(\d+)`)
	pageFailedIn = regexp.MustCompile(`failed to get page \d+`) // of a freelist or an overflow chain
	pageDoubtful = regexp.MustCompile(`Failed to read ptrmap key`)
)

// hiddenError gives the error of the device that a finding tells of; doubtful means that
// one may be behind a finding, or damage.
func hiddenError(findings []check.Finding) (doubtful bool, err error) {
	for _, f := range findings {
		m := pageFailed.FindStringSubmatch(f.Detail)
		switch {
		case m != nil:
			code, err := strconv.ParseUint(m[1], 10, 16)
			if x := sqlite3.ExtendedErrorCode(code); err == nil && x.Code() != sqlite3.CORRUPT && x.Code() != sqlite3.NOTADB {
				return false, x
			}
		case pageFailedIn.MatchString(f.Detail):
			return false, sqlite3.IOERR_READ
		case pageDoubtful.MatchString(f.Detail):
			doubtful = true
		}
	}
	return doubtful, nil
}

func itoa(n int) string { return strconv.Itoa(n) }
