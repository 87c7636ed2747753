package schema

import "strings"

// AffinityOf gives the affinity of a declared type
// (https://sqlite.org/datatype3.html#determination_of_column_affinity). No type is Blob.
func AffinityOf(declared string) Affinity {
	if declared == "" {
		return Blob
	}
	found := Numeric
	s := Fold(declared)
	for i := range s {
		switch {
		case strings.HasPrefix(s[i:], "int"):
			// SQLite reads from the left and stops here, so what came before is forgotten.
			return Integer
		case strings.HasPrefix(s[i:], "char"), strings.HasPrefix(s[i:], "clob"), strings.HasPrefix(s[i:], "text"):
			found = Text
		case strings.HasPrefix(s[i:], "blob") && (found == Numeric || found == Real):
			found = Blob
		case found == Numeric && len(s)-i >= 4 && listed(" real floa doub ", s[i:i+4]): //nolint:misspell // the beginning of "double"
			found = Real
		}
	}
	return found
}

// strictOf gives the type of a column of a STRICT table.
func strictOf(declared string) (Strict, bool) {
	switch Fold(declared) {
	case "any":
		return StrictAny, true
	case "blob":
		return StrictBlob, true
	case "int", "integer":
		return StrictInteger, true
	case "real":
		return StrictReal, true
	case "text":
		return StrictText, true
	}
	return StrictNone, false
}
