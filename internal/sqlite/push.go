package sqlite

import "github.com/ncruces/go-sqlite3/vfs"

// push has what was written go to the device beside the copying: the call waits when the
// device has enough to do already.
type push struct {
	done  int64 // asked for
	ahead chan [2]int64
	over  chan struct{}
}

func startPush(f vfs.File) *push {
	p := &push{ahead: make(chan [2]int64, 1), over: make(chan struct{})}
	go func() {
		defer close(p.over)
		for r := range p.ahead {
			beginWriting(f, r[0], r[1])
		}
	}()
	return p
}

// written tells how far the file is; a device that is behind is not waited for.
func (p *push) written(bytes int64) {
	if bytes-p.done < pushBytes {
		return
	}
	select {
	case p.ahead <- [2]int64{p.done, bytes - p.done}:
		p.done = bytes
	default:
	}
}

// stop waits for the last call: after it the file may be closed.
func (p *push) stop() {
	close(p.ahead)
	<-p.over
}
