package shard

// heldList lists the open activities of one instance.
type heldList struct{ first, last *running }

// push puts an activity at the end.
func (h *heldList) push(r *running) {
	r.prev, r.next = h.last, nil
	if h.last != nil {
		h.last.next = r
	} else {
		h.first = r
	}
	h.last = r
}

// take takes an activity out.
func (h *heldList) take(r *running) {
	if r.prev != nil {
		r.prev.next = r.next
	} else {
		h.first = r.next
	}
	if r.next != nil {
		r.next.prev = r.prev
	} else {
		h.last = r.prev
	}
	r.prev, r.next = nil, nil
}

// add opens an activity.
func (a *activities) add(r *running) {
	a.open[r.key] = r
	held := a.held[r.key.id]
	held.push(r)
	a.held[r.key.id] = held
}

// remove takes an activity out that was added.
func (a *activities) remove(r *running) {
	if a.open[r.key] == r {
		delete(a.open, r.key)
	}
	held := a.held[r.key.id]
	if held.take(r); held.first == nil {
		delete(a.held, r.key.id)
	} else {
		a.held[r.key.id] = held
	}
}
