package config

import (
	"slices"
	"strings"
)

// names gives the keys that may stand in a group of a table.
func names(table []setting, group string) map[string]bool {
	known := make(map[string]bool)
	for _, s := range table {
		rest, inside := strings.CutPrefix(s.path, group)
		if group != "" {
			rest, inside = strings.CutPrefix(s.path, group+".")
		}
		if inside {
			first, _, _ := strings.Cut(rest, ".")
			known[first] = true
		}
	}
	return known
}

func find(table []setting, path string) (setting, bool) {
	for _, s := range table {
		if s.path == path {
			return s, true
		}
	}
	return setting{}, false
}

func join(a, b string) string {
	switch {
	case a == "":
		return b
	case b == "":
		return a
	}
	return a + "." + b
}

func word(path string) string {
	if path == "" {
		return "the file"
	}
	return path
}

func sorted(list []string) []string {
	slices.Sort(list)
	return list
}
