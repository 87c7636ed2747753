package report

import (
	"strings"

	"github.com/officer-doofy/officer/messages"
)

// Condition is one thing that is wrong now.
type Condition struct {
	Code     string  `json:"code"`
	Severity string  `json:"severity"`
	Text     string  `json:"text"`
	Hint     string  `json:"hint"`
	Since    *string `json:"since"`
}

// ConditionsOf gives conditions as JSON.
func ConditionsOf(from []*messages.Condition) []Condition {
	out := []Condition{}
	for _, k := range from {
		out = append(out, Condition{k.Code, Colour(k.Severity), k.Text, k.Hint, Stamp(k.SinceUnixMs)})
	}
	return out
}

// Fence is the write fence.
type Fence struct {
	Active bool   `json:"active"`
	Held   bool   `json:"held"`
	Reason string `json:"reason"`
}

// Actor is one part of Officer.
type Actor struct {
	Name        string `json:"name"`
	State       string `json:"state"`
	Restarts    int32  `json:"restarts"`
	LastFailure string `json:"last_failure"`
}

// Hostage is a reader that keeps the WAL from being emptied.
type Hostage struct {
	PID     int64   `json:"pid"` // 0 = cannot be told on this system
	Command string  `json:"command"`
	Since   *string `json:"since"`
	Pages   int64   `json:"pages"`
	Own     bool    `json:"own"`
}

// HostagesOf gives readers as JSON.
func HostagesOf(from []*messages.Hostage) []Hostage {
	out := []Hostage{}
	for _, h := range from {
		out = append(out, Hostage{h.Pid, h.Command, Stamp(h.SinceUnixMs), h.Pages, h.Own})
	}
	return out
}

// WAL is the state of the write-ahead log.
type WAL struct {
	SizeBytes      int64     `json:"size_bytes"`
	LimitBytes     int64     `json:"limit_bytes"`
	LastCheckpoint *string   `json:"last_checkpoint"`
	Hostages       []Hostage `json:"hostages"`
	PassiveBecause string    `json:"passive_because,omitempty"`
	EngineVersion  string    `json:"engine_version,omitempty"`
	EngineHazard   string    `json:"engine_hazard,omitempty"`
}

// walOf is the WAL in a status; without a wal system only its size is known.
func walOf(st *messages.Status) WAL {
	r := st.GetWal()
	out := WAL{SizeBytes: st.GetFacts().GetWalBytes(), LimitBytes: r.GetLimitBytes(), Hostages: HostagesOf(r.GetHostages())}
	if r != nil {
		out.SizeBytes, out.LastCheckpoint = r.WalBytes, Stamp(r.LastAtUnixMs)
		out.PassiveBecause, out.EngineVersion, out.EngineHazard = r.PassiveBecause, r.EngineVersion, r.EngineHazard
	}
	return out
}

// Volume is one file system and what lies on it.
type Volume struct {
	Roles         []string   `json:"roles"`
	Path          string     `json:"path"`
	TotalBytes    int64      `json:"total_bytes"`
	FreeBytes     int64      `json:"free_bytes"`
	FreeInodes    int64      `json:"free_inodes"`
	FSType        string     `json:"fs_type"`
	Network       bool       `json:"network"`
	CloudSynced   bool       `json:"cloud_synced"`
	Level         string     `json:"level"`
	DaysUntilFull float64    `json:"days_until_full"`
	NextJobBytes  int64      `json:"next_job_bytes"`
	Freeable      []Freeable `json:"freeable"`
}

// Freeable is something that could go to make room.
type Freeable struct {
	What  string `json:"what"`
	Bytes int64  `json:"bytes"`
	How   string `json:"how"`
}

// VolumesOf gives volumes as JSON.
func VolumesOf(r *messages.DiskReport) []Volume {
	out := []Volume{}
	for _, v := range r.GetVolumes() {
		j := Volume{v.Roles, v.Path, v.TotalBytes, v.FreeBytes, v.FreeInodes, v.FsType, v.Network, v.CloudSynced,
			v.Level, v.DaysUntilFull, v.NextJobBytes, []Freeable{}}
		for _, f := range v.Freeable {
			j.Freeable = append(j.Freeable, Freeable{f.What, f.Bytes, f.How})
		}
		out = append(out, j)
	}
	return out
}

// Health is colour, sentence and root causes.
type Health struct {
	Head
	Database   string      `json:"database"`
	Health     string      `json:"health"`
	Headline   string      `json:"headline"`
	Conditions []Condition `json:"conditions"`
}

// HealthOf gives a health report as JSON. database is a name.
func HealthOf(h *messages.HealthReport, database string) *Health {
	out := &Health{Database: database, Health: Colour(h.GetHealth()), Headline: h.GetHeadline(), Conditions: ConditionsOf(h.GetConditions())}
	Finish(out, CodeOfHealth(h.GetHealth()))
	return out
}

// Status is everything about one database.
type Status struct {
	Head
	Database           string      `json:"database"` // absolute path
	Home               string      `json:"home"`
	Running            bool        `json:"running"`
	Version            string      `json:"version"`
	PID                int64       `json:"pid"`
	Health             string      `json:"health"`
	Headline           string      `json:"headline"`
	Conditions         []Condition `json:"conditions"`
	LastVerifiedBackup *Backup     `json:"last_verified_backup"`
	Backups            int32       `json:"backups"`
	LastDrill          *Drill      `json:"last_drill"`
	LastCheck          *Check      `json:"last_check"`
	WAL                WAL         `json:"wal"`
	Disk               []Volume    `json:"disk"`
	Fence              Fence       `json:"fence"`
	Actors             []Actor     `json:"actors"`
}

// StatusOf gives a status as JSON. path is that of the database; running says whether an
// Officer looks after it or only answered for a moment.
func StatusOf(st *messages.Status, path string, running bool) *Status {
	fence := st.GetOwner().GetFence()
	out := &Status{
		Database: path, Home: st.GetHome(), Running: running, Version: st.GetOfficerVersion(), PID: st.GetPid(),
		Health: Colour(st.GetHealth().GetHealth()), Headline: st.GetHealth().GetHeadline(),
		Conditions:         ConditionsOf(st.GetHealth().GetConditions()),
		LastVerifiedBackup: BackupOf(st.GetLastVerifiedBackup()), LastDrill: DrillOf(st.GetLastDrill()), Backups: st.GetBackups(),
		WAL: walOf(st), Disk: VolumesOf(st.GetDisk()), Actors: []Actor{},
		Fence: Fence{Active: fence.GetActive(), Held: fence.GetHeld(), Reason: strings.Join(fence.GetReasons(), ", ")},
	}
	for _, a := range st.GetActors() {
		out.Actors = append(out.Actors, Actor{a.Name, a.State, a.Restarts, a.LastFailure})
	}
	if last := st.GetIntegrity().GetLastFull(); last != nil {
		out.LastCheck = CheckOf(last)
		out.LastCheck.Head = Head{Type: "check", OK: last.Verdict == "ok", Code: CodeOfCheck(last)}
	}
	Finish(out, CodeOfHealth(st.GetHealth().GetHealth()))
	return out
}
