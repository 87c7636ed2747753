// Package supervisor runs Officer: the root actor, one tree of systems per database
// (THE LIST is in systems.go), what follows a crash, and where adapters meet the
// interfaces of actors. It is the one place that knows every system.
//
//	officer                 root: one tree per database, neighbours undisturbed
//	officer/{name}          tree: starts the systems in list order, stops them in reverse
//	officer/{name}/{system} one system
package supervisor
