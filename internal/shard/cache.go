package shard

// lru is a list of instances whose code is suspended in memory, the oldest at
// the front, with the bytes that they hold.
type lru struct {
	head, tail *instance
	bytes      int
	count      int
}

// cache bounds the memory of suspended orchestrators. Those that wait only for
// people, events or far timers have a small share and leave first.
type cache struct {
	active, parked lru
	max, maxParked int
}

func (c *cache) put(in *instance, parked bool) {
	c.remove(in)
	in.list = &c.active
	if parked {
		in.list = &c.parked
	}
	in.list.push(in)
}

func (c *cache) remove(in *instance) {
	if in.list != nil {
		in.list.unlink(in)
		in.list = nil
	}
}

// oldest returns what is to leave: from the parked while these exceed their
// share, from either while all exceed the whole.
func (c *cache) oldest() *instance {
	if c.parked.bytes > c.maxParked && c.parked.count > 1 { // one alone may fill the whole cache
		return c.parked.head
	}
	if c.parked.bytes+c.active.bytes > c.max {
		if c.parked.head != nil {
			return c.parked.head
		}
		return c.active.head
	}
	return nil
}

func (q *lru) push(in *instance) {
	in.prev, in.next = q.tail, nil
	if q.tail != nil {
		q.tail.next = in
	} else {
		q.head = in
	}
	q.tail = in
	q.bytes += in.bytes
	q.count++
}

func (q *lru) unlink(in *instance) {
	if in.prev != nil {
		in.prev.next = in.next
	} else {
		q.head = in.next
	}
	if in.next != nil {
		in.next.prev = in.prev
	} else {
		q.tail = in.prev
	}
	in.prev, in.next = nil, nil
	q.bytes -= in.bytes
	q.count--
}
