package testkit

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const (
	imagesPerLocation = 5
	archiveTags       = 500
	archiveBatch      = 50 // rows of one INSERT: keeps the cost of a call small
)

// BuildArchive makes a database shaped like a photo archive (locations, images, tags,
// image_tags without rowid, three indexes) in WAL mode with 4096-byte pages. The size
// grows with locations: 34,000 give about 100 MB. locations.note and images.meta are
// in no index. The same number gives the same content at every run.
func BuildArchive(t testing.TB, path string, locations int) {
	t.Helper()
	// A large cache, no journal on disk and indexes made at the end: three times faster.
	s := create(t, path, []string{"page_size=4096", "journal_mode=memory", "cache_size=-100000", "foreign_keys=off"})
	defer s.close()
	s.exec(`create table locations(id integer primary key, name text not null, state text, lat real, lon real, note text, created_at text);
		create table images(id integer primary key, loc_id integer references locations(id), path text not null unique, sha256 text, w int, h int, meta text, created_at text);
		create table tags(id integer primary key, name text unique);
		create table image_tags(image_id integer references images(id), tag_id integer references tags(id), primary key(image_id,tag_id)) without rowid;`)
	s.fill(1, func(f *filler) {
		f.locations(locations)
		f.images(locations)
		f.batch("insert into tags values", archiveTags, func(i int) []any { return []any{i, fmt.Sprintf("tag%d", i)} })
		for range 2 {
			f.batch("insert or ignore into image_tags values", locations*imagesPerLocation,
				func(i int) []any { return []any{i, 1 + f.rng.IntN(archiveTags)} })
		}
	})
	s.exec(`create index images_loc on images(loc_id); create index images_sha on images(sha256);
		create index loc_state_name on locations(state,name); pragma journal_mode=wal;`)
}

func (f *filler) locations(n int) {
	const states = "NYNJPACTMAVTMEOHMIIL"
	f.batch("insert into locations values", n, func(i int) []any {
		state := 2 * f.rng.IntN(len(states)/2)
		return []any{i, "Abandoned " + f.hex(6) + " Hospital", states[state : state+2],
			40 + f.rng.Float64(), -74 + f.rng.Float64(), f.hex(60), stamp(i)}
	})
}

func (f *filler) images(locations int) {
	f.batch("insert into images values", locations*imagesPerLocation, func(i int) []any {
		path := "/archive/" + f.hex(1)[:1] + "/" + f.hex(16) + ".nef"
		return []any{i, 1 + f.rng.IntN(locations), path, f.hex(32), 6000, 4000,
			`{"exif":"` + f.hex(80) + `"}`, stamp(i)}
	})
}

func stamp(i int) string {
	return time.Unix(1_700_000_000+int64(i), 0).UTC().Format(time.DateTime)
}

// batch inserts rows 1 … n, several with each statement.
func (f *filler) batch(insert string, n int, row func(i int) []any) {
	f.t.Helper()
	for i := 1; i <= n; {
		var args []any
		rows := 0
		for ; i <= n && rows < archiveBatch; rows++ {
			args = append(args, row(i)...)
			i++
		}
		one := "(" + strings.TrimSuffix(strings.Repeat("?,", len(args)/rows), ",") + ")"
		f.exec(insert+strings.TrimSuffix(strings.Repeat(one+",", rows), ","), args...)
	}
}
