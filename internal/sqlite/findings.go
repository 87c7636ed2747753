package sqlite

import (
	"regexp"
	"strconv"
	"strings"

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

func itoa(n int) string { return strconv.Itoa(n) }
