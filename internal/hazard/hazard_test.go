package hazard

import "testing"

func TestWALReset_versions(t *testing.T) {
	for _, tc := range []struct {
		name    string
		version int
		want    bool
		fix     string
	}{
		{"unknown", 0, false, ""},
		{"nonsense", -1, false, ""},
		{"before the WAL", 3006023, false, ""},
		{"the first with a WAL", 3007000, true, "3.51.3"},
		{"a Debian", 3040001, true, "3.51.3"},
		{"3.44 before its repair", 3044005, true, "3.44.6"},
		{"3.44 repaired", 3044006, false, ""},
		{"3.44 later", 3044010, false, ""},
		{"3.45, where it was not repaired", 3045000, true, "3.51.3"},
		{"3.49", 3049002, true, "3.51.3"},
		{"3.50 before its repair", 3050006, true, "3.50.7"},
		{"3.50 repaired", 3050007, false, ""},
		{"3.51.0", 3051000, true, "3.51.3"},
		{"the last with it", 3051002, true, "3.51.3"},
		{"the first without", 3051003, false, ""},
		{"newer", 3053002, false, ""},
		{"a later major version", 4000000, false, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := WALReset(tc.version); got != tc.want {
				t.Fatalf("%s: got %t, want %t", Version(tc.version), got, tc.want)
			}
			if !tc.want {
				return
			}
			if got := WALResetFix(tc.version); got != tc.fix {
				t.Errorf("got fix %s, want %s", got, tc.fix)
			}
		})
	}
}

// Whatever is named as the fix must not have the defect itself.
func TestWALResetFix_isNoHazard(t *testing.T) {
	for version := 3007000; version < 3052000; version++ {
		if !WALReset(version) {
			continue
		}
		var major, minor, patch int
		for i, part := 0, WALResetFix(version); i < len(part); i++ {
			if part[i] == '.' {
				major, minor, patch = minor, patch, 0
				continue
			}
			patch = patch*10 + int(part[i]-'0')
		}
		if fix := major*1000000 + minor*1000 + patch; WALReset(fix) || fix <= version {
			t.Fatalf("%s: the fix %s is none", Version(version), Version(fix))
		}
	}
}

func TestVersion_asPeopleWriteIt(t *testing.T) {
	for number, want := range map[int]string{3046001: "3.46.1", 3007000: "3.7.0", 3050007: "3.50.7", 0: "", -5: ""} {
		if got := Version(number); got != want {
			t.Errorf("%d: got %q, want %q", number, got, want)
		}
	}
}
