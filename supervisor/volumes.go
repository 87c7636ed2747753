package supervisor

import (
	"os"

	"github.com/asynkron/protoactor-go/actor"

	disks "github.com/officer-doofy/officer/actors/disk"
	"github.com/officer-doofy/officer/internal/host"
	"github.com/officer-doofy/officer/internal/space"
)

// volumes is internal/host as the disk system sees it: its Volumes.
type volumes struct{ host *host.Volumes }

// Look gives the volume of a path.
func (v volumes) Look(path string) (disks.Volume, error) {
	found, err := v.host.Look(path)
	return disks.Volume(found), err
}

func (p parts) disk() *actor.Props {
	d := p.settings.Disk
	return disks.Props(disks.Config{
		Peers: p.peers, Log: p.logger("disk"), Passive: p.passive,
		Database: p.path, Name: p.name, Home: p.home, TempDir: os.TempDir(),
		Files: p.files, Volumes: volumes{host.NewVolumes(p.files)},
		Limits: space.Limits{
			WarnBytes: d.WarnBytes, ImportsBytes: d.BlockImportsBytes, WritesBytes: d.BlockWritesBytes,
		},
		ReserveBytes: d.ReserveBytes, FenceWhenFull: !p.settings.Fence.NotOnDiskCritical, Every: d.Every,
	})
}
