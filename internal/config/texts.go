package config

import (
	"strconv"
	"time"
)

// texts writes values the way the parser reads them.
type texts map[string]string

func (t texts) text(path, v string) {
	if v != "" {
		t[path] = v
	}
}

func (t texts) duration(path string, d time.Duration) {
	switch {
	case d < 0:
		t[path] = "off"
	case d > 0:
		t[path] = short(d)
	}
}

func (t texts) count(path string, n int, given origins) {
	if _, is := given[path]; is {
		t[path] = strconv.Itoa(n)
	}
}

// size writes bytes in the largest unit that loses nothing.
func (t texts) size(path string, bytes int64, suffix, word string) {
	if bytes < 0 {
		t[path] = word
	}
	if bytes <= 0 {
		return
	}
	units := []string{"B", "kB", "MB", "GB", "TB"}
	i := 0
	for bytes%1000 == 0 && i < len(units)-1 {
		bytes /= 1000
		i++
	}
	t[path] = strconv.FormatInt(bytes, 10) + units[i] + suffix
}
