package manifest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/officer-doofy/officer/internal/retention"
)

const idLayout = "20060102T150405Z"

var (
	idForm   = regexp.MustCompile(`^(\d{8}T\d{6}Z)(?:-([2-9]|[1-9]\d{1,5}))?$`)
	fileForm = regexp.MustCompile(`^(\d{4})/([a-z]+)/([^/]+)-(\d{8}T\d{6}Z(?:-\d+)?)\.db$`)
)

// NewID gives the id of a backup taken at t: its UTC time in whole seconds
// ("20261122T174539Z"), with -2, -3 … appended while taken says that it is in use.
// Ids sort by time and are safe in a path and in a URL.
func NewID(t time.Time, taken func(id string) bool) string {
	id := t.UTC().Format(idLayout)
	if taken == nil || !taken(id) {
		return id
	}
	for n := 2; ; n++ {
		if next := id + "-" + strconv.Itoa(n); !taken(next) {
			return next
		}
	}
}

// ParseID gives the time in an id; ok is false when it is none.
func ParseID(id string) (takenAt time.Time, ok bool) {
	parts := idForm.FindStringSubmatch(id)
	if parts == nil {
		return time.Time{}, false
	}
	t, err := time.Parse(idLayout, parts[1])
	return t, err == nil
}

// nameBytesMax leaves room for the id and for suffixes within the 255 bytes that
// file systems allow.
const nameBytesMax = 120

// SafeName makes a name that is safe as the start of a file name everywhere out of
// a database's file name without extension: at most 120 bytes, no separators,
// control or reserved characters, never empty. It leaves its own results alone.
func SafeName(name string) string {
	safe := strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, name)
	if safe == "" {
		return "database"
	}
	if len(safe) <= nameBytesMax {
		return safe
	}
	sum := sha256.Sum256([]byte(name))
	cut := nameBytesMax - 9
	for !utf8.RuneStart(safe[cut]) {
		cut--
	}
	return safe[:cut] + "~" + hex.EncodeToString(sum[:4])
}

// FileName gives the path of a backup relative to the backups folder:
// {year}/{tier}/{name}-{id}.db, the year being that of the UTC time in the id.
func FileName(name, id string, tier retention.Tier) string {
	year, _ := ParseID(id)
	return fmt.Sprintf("%04d/%s/%s-%s.db", year.Year(), tier, SafeName(name), id)
}

// Parts is what a backup's path says.
type Parts struct {
	Name    string
	ID      string
	Tier    retention.Tier
	TakenAt time.Time
}

// ParseFileName is the inverse of FileName; ok is false for every other path.
func ParseFileName(path string) (p Parts, ok bool) {
	m := fileForm.FindStringSubmatch(path)
	if m == nil {
		return Parts{}, false
	}
	p = Parts{Name: m[3], ID: m[4], Tier: retention.Tier(m[2])}
	p.TakenAt, ok = ParseID(p.ID)
	if !ok || !p.Tier.Valid() || path != FileName(p.Name, p.ID, p.Tier) {
		return Parts{}, false
	}
	return p, true
}
