package rebuild

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// FTS3 and FTS4 are not part of the SQLite that Officer has. Their shadow tables are salvaged like
// any other, and the virtual table gets its place in the schema back, so that an application whose
// SQLite has the module finds both. What the module would have to do is said
// (https://sqlite.org/fts3.html#*fts4rebuidcmd).

// contentOption is the option of an FTS4 table whose rows are in another table.
var contentOption = regexp.MustCompile(`(?i)[(,]\s*content\s*=\s*["'\x60\[]?([^"'\x60\],)]*)`)

// judgeFTS4 says what is known of an FTS3 or FTS4 table when something of it was lost.
func (d *Database) judgeFTS4(name, sql string) {
	content := name + "_content"
	if m := contentOption.FindStringSubmatch(sql); m != nil {
		content = strings.TrimSpace(m[1])
	}
	index := slices.ContainsFunc([]string{"_segments", "_segdir", "_docsize", "_stat"}, func(s string) bool {
		return d.hurt[name+s] || !d.has(name+s) && (s == "_segments" || s == "_segdir")
	})
	rebuild := fmt.Sprintf(`run INSERT INTO %s(%s) VALUES('rebuild')`, quote(name), quote(name))
	switch {
	case content == "" && index:
		d.notes = append(d.notes, fmt.Sprintf("the index of the full-text table %s is damaged and has no content to be made of: the application has to fill it again", name))
	case content != "" && (index || d.hurt[content]):
		d.notes = append(d.notes, fmt.Sprintf("the index of the full-text table %s may not be what its content is; its module is not there, so before the application uses it, %s", name, rebuild))
	}
}
