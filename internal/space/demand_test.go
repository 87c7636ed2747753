package space_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/officer-doofy/officer/internal/space"
)

func one(freeBytes int64) space.Room {
	limits := space.Limits{}.For(250 * gb)
	return space.Room{Path: "/data", Roles: []space.Role{space.Database, space.WAL, space.Temp, space.Backups},
		FreeBytes: freeBytes, FreeInodes: 100_000, Limits: limits, Level: limits.Next(space.OK, freeBytes)}
}

func TestJudge_oneVolume(t *testing.T) {
	sizes := space.Sizes{DatabaseBytes: 300 * mb, WALBytes: 10 * mb}
	for _, tc := range []struct {
		name    string
		purpose space.Purpose
		bytes   int64
		free    int64
		allowed bool
		need    int64
		says    string
	}{
		{"import of unknown size", space.Import, 0, 2 * gb, true, 100 * mb, "fits"},
		{"import that fits", space.Import, 200 * mb, 2 * gb, true, 500 * mb, "An import fits"},
		{"import through the WAL does not", space.Import, 900 * mb, 1800 * mb, false, 1900 * mb, "needs 1.9 GB"},
		{"import below the level", space.Import, 1, 400 * mb, false, 100*mb + 2, "let in again from 550 MB on"},
		{"backup that fits", space.Backup, 0, 400 * mb, true, 310*mb + space.MarginBytes, "A backup fits"},
		{"backup without margin", space.Backup, 0, 320 * mb, false, 310*mb + space.MarginBytes, "does not fit"},
		{"vacuum needs twice", space.Vacuum, 0, 719 * mb, false, 720 * mb, "VACUUM does not fit"},
		{"vacuum", space.Vacuum, 0, 720 * mb, true, 720 * mb, "VACUUM fits"},
		{"restore keeps the present files", space.Restore, 100 * mb, 409 * mb, false, 410 * mb, "A restore"},
		{"drill", space.Drill, 0, gb, true, 310*mb + space.MarginBytes, "A drill"},
		{"huge claim", space.Import, 1 << 62, gb, false, 2<<60 + 100*mb, "does not fit"},
		{"negative claim", space.Import, -5, gb, true, 100 * mb, "fits"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v, known := space.Judge(tc.purpose, tc.bytes, sizes, []space.Room{one(tc.free)})
			if !known || v.Allowed != tc.allowed || v.NeedBytes != tc.need || v.FreeBytes != tc.free || v.Path != "/data" {
				t.Errorf("got %+v (known %v), want allowed %v with need %d", v, known, tc.allowed, tc.need)
			}
			if !strings.Contains(v.Text, tc.says) {
				t.Errorf("got %q, want it to say %q", v.Text, tc.says)
			}
		})
	}
}

func TestJudge_namesTheVolumeThatLacks(t *testing.T) {
	limits := space.Limits{}.For(250 * gb)
	rooms := []space.Room{
		{Path: "/data", Roles: []space.Role{space.Database, space.WAL}, FreeBytes: 50 * gb, FreeInodes: -1, Limits: limits},
		{Path: "/tmp", Roles: []space.Role{space.Temp}, FreeBytes: 200 * mb, FreeInodes: -1, Limits: limits.OnlyWarning()},
	}
	sizes := space.Sizes{DatabaseBytes: 300 * mb}
	if v, _ := space.Judge(space.Vacuum, 0, sizes, rooms); v.Allowed || v.Path != "/tmp" || v.NeedBytes != 300*mb {
		t.Errorf("got %+v, want a refusal that names /tmp", v)
	}
	if v, _ := space.Judge(space.Import, 300*mb, sizes, rooms); !v.Allowed || v.Path != "/data" {
		t.Errorf("got %+v, want the import allowed on /data", v)
	}
	if v, known := space.Judge(space.Backup, 0, sizes, rooms); !known || v.Allowed || v.Text == "" {
		t.Errorf("got %+v, want no without a known volume", v)
	}
	if _, known := space.Judge("party", 0, sizes, rooms); known {
		t.Error("an unknown purpose was judged")
	}
	rooms[0].FreeInodes = 3
	if v, _ := space.Judge(space.Import, 1, sizes, rooms); v.Allowed || !strings.Contains(v.Text, "3 more files") {
		t.Errorf("got %+v, want a refusal for want of inodes", v)
	}
}

func TestJudge_moreRoomNeverRefuses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SampledFrom([]space.Purpose{space.Import, space.Backup, space.Vacuum, space.Restore, space.Drill}).Draw(t, "purpose")
		bytes := rapid.Int64Range(0, 4*gb).Draw(t, "bytes")
		sizes := space.Sizes{DatabaseBytes: rapid.Int64Range(0, 4*gb).Draw(t, "database"), WALBytes: rapid.Int64Range(0, gb).Draw(t, "wal")}
		free := rapid.Int64Range(0, 20*gb).Draw(t, "free")
		less, _ := space.Judge(p, bytes, sizes, []space.Room{one(free)})
		more, _ := space.Judge(p, bytes, sizes, []space.Room{one(free + rapid.Int64Range(0, gb).Draw(t, "more"))})
		if less.Allowed && !more.Allowed {
			t.Errorf("%s allowed with %d free, refused with more: %s", p, free, more.Text)
		}
		if less.Allowed && less.FreeBytes < less.NeedBytes {
			t.Errorf("allowed although it does not fit: %+v", less)
		}
	})
}

func TestPlaces_thatSQLiteShouldNotLiveOn(t *testing.T) {
	for fsType, want := range map[string]bool{
		"ext4": false, "xfs": false, "apfs": false, "ntfs": false, "tmpfs": false, "": false, "fuseblk": false, "fuse.ntfs-3g": false,
		"nfs": true, "nfs4": true, "NFS": true, "cifs": true, "smb3": true, "9p": true, "fuse": true, "fuse.sshfs": true, "fuse.rclone": true, "virtiofs": true,
	} {
		if got := space.Network(fsType); got != want {
			t.Errorf("%q: got %v, want %v", fsType, got, want)
		}
	}
	for path, want := range map[string]string{
		"/home/a/Dropbox/app.db":                                         "Dropbox",
		"/home/a/Dropbox (Personal)/x/app.db":                            "Dropbox",
		`C:\Users\a\OneDrive\app.db`:                                     "OneDrive",
		`C:\Users\a\OneDrive - Contoso\Documents\app.db`:                 "OneDrive",
		"/Users/a/Library/CloudStorage/OneDrive-Contoso/app.db":          "OneDrive",
		"/Users/a/Library/CloudStorage/GoogleDrive-a@b.c/My Drive/x.db":  "Google Drive",
		"/Users/a/Library/CloudStorage/Dropbox/x.db":                     "Dropbox",
		"/Users/a/Library/Mobile Documents/com~apple~CloudDocs/notes.db": "iCloud Drive",
		`C:\Users\a\iCloudDrive\app.db`:                                  "iCloud Drive",
		"/Volumes/GoogleDrive/My Drive/app.db":                           "Google Drive",
		"/home/a/dropboxes/app.db":                                       "",
		"/srv/onedrive-export/app.db":                                    "",
		"/var/lib/app/app.db":                                            "",
		"":                                                               "",
	} {
		if got := space.CloudFolder(path); got != want {
			t.Errorf("%q: got %q, want %q", path, got, want)
		}
	}
}

func TestText_isDecimal(t *testing.T) {
	for n, want := range map[int64]string{0: "0 bytes", 999: "999 bytes", 1000: "1.0 kB", 16_000_000: "16 MB", 1_200_000_000: "1.2 GB", 71_000_000_000: "71 GB"} {
		if got := space.Text(n); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
}
