package kit

import "github.com/asynkron/protoactor-go/actor"

// Peers are the neighbours of an actor in the tree of one database, known by name
// before they run. A message to one that is not (yet, any more) there is a dead letter
// for a tell and "actor_gone" for an ask.
type Peers struct {
	system *actor.ActorSystem
	tree   string
}

// NewPeers gives the neighbours below the actor with the id tree.
func NewPeers(system *actor.ActorSystem, tree string) Peers {
	return Peers{system: system, tree: tree}
}

// Tree is the supervisor of the database's tree; events are sent to it.
func (p Peers) Tree() *actor.PID { return p.system.NewLocalPID(p.tree) }

// Of is the neighbour with a name: "dbowner", "schedule", "backup", "integrity",
// "recovery", "health", "logs".
func (p Peers) Of(name string) *actor.PID { return p.system.NewLocalPID(p.tree + "/" + name) }
