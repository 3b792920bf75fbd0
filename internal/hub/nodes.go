package hub

// Held is an activity that a node has whose shard another node holds, or has taken
// over: it runs in the node's process, or at a worker that is connected to it. It is
// held until its outcome has been taken in by whoever holds the shard.
type Held struct {
	Token  string
	Worker string // id of the worker's process, "" = unknown
	Node   string // name of the node that has it
}
