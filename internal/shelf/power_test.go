package shelf

import (
	"context"
	"testing"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/internal/retention"
	"github.com/officer-doofy/officer/testkit/simfs"
)

// simulated gives a shelf on a simulated disk, with a folder for the home that is durable.
func simulated(t *testing.T, disk *simfs.Disk, faults ...simfs.Fault) (*Shelf, *simfs.Life) {
	t.Helper()
	life := disk.Boot(simfs.Plan{})
	t.Cleanup(life.End)
	if err := life.MkdirAll("/data"); err != nil {
		t.Fatal(err)
	}
	if err := life.SyncDir("/"); err != nil {
		t.Fatal(err)
	}
	life.Arm(faults...)
	return New(Config{FS: life, Dir: "/data/home/backups", Name: "app"}), life
}

func TestPublish_outlivesAPowerCutWithItsHome(t *testing.T) {
	for seed := range uint64(50) {
		disk := simfs.New(0)
		s, _ := simulated(t, disk)
		m, _, err := s.Load(context.Background(), day(1))
		if err == nil {
			_, err = add(s, m, day(1), retention.Recent)
		}
		if err != nil {
			t.Fatal(err)
		}
		disk.PowerCut(seed)
		s, _ = simulated(t, disk)
		if after, why := load(t, s); count(after) != 1 || why != "" {
			t.Fatalf("seed %d: %d verified backups after a power cut (%s), want the one that was acknowledged", seed, count(after), why)
		}
	}
}

func TestMove_onADiskThatFailsNamesNoMissingFile(t *testing.T) {
	for _, kind := range []simfs.Kind{simfs.FullFrom, simfs.Broken} {
		disk := simfs.New(0)
		s, _ := simulated(t, disk)
		m := filled(t, s, 1, 2, 3)
		for at := 1; ; at++ {
			c := disk.Clone()
			s, life := simulated(t, c, simfs.Fault{Kind: kind, At: at})
			_, err := s.Move(m, map[string]retention.Tier{m.Entries[0].ID: retention.Weekly})
			if len(life.Struck()) == 0 {
				break
			}
			if err == nil {
				t.Errorf("%s at operation %d: no error", kind, at)
			}
			life.Kill()
			s, _ = simulated(t, c)
			namesNoMissing(t, s, string(kind), at)
		}
	}
}

func TestMove_withoutHardLinksRenames(t *testing.T) {
	disk := simfs.New(0)
	s, life := simulated(t, disk)
	m := filled(t, s, 1, 2)
	k := &killFS{FS: life, noLinks: true, left: -1}
	s.cfg.FS = k
	next, err := s.Move(m, map[string]retention.Tier{m.Entries[0].ID: retention.Weekly})
	if e, _ := next.Find(m.Entries[0].ID); err != nil || e.Tier != retention.Weekly {
		t.Fatalf("got %v (%v)", e, err)
	}
	if _, err := s.Size(m.Entries[0].File); fault.CodeOf(err) != fault.Missing {
		t.Errorf("the old name: %v", err)
	}
	if p, _ := manifest.ParseFileName(next.Entries[0].File); p.Tier != retention.Weekly {
		t.Errorf("listed as %s", next.Entries[0].File)
	}
}
