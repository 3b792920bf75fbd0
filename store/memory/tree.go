package memory

// tree is a sorted map that never changes: put and drop return a new one, which
// shares all but the path to the key. So the state after each group is kept for
// the price of what the group changed, and a reader needs no lock. It is a treap
// whose priorities are hashes of the keys.
type tree[V any] struct {
	root *node[V]
}

type node[V any] struct {
	key         string
	priority    uint64
	value       V
	left, right *node[V]
}

func (t tree[V]) get(key string) (v V, ok bool) {
	n := t.root
	for n != nil {
		switch {
		case key < n.key:
			n = n.left
		case key > n.key:
			n = n.right
		default:
			return n.value, true
		}
	}
	return v, false
}

func (t tree[V]) put(key string, v V) tree[V] {
	left, _, right := split(t.root, key)
	n := &node[V]{key: key, priority: priority(key), value: v}
	return tree[V]{root: join(join(left, n), right)}
}

func (t tree[V]) drop(key string) tree[V] {
	left, found, right := split(t.root, key)
	if found == nil {
		return t
	}
	return tree[V]{root: join(left, right)}
}

// priority spreads keys evenly, and the same in every run.
func priority(key string) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211
	h := uint64(offset)
	for i := range len(key) {
		h = (h ^ uint64(key[i])) * prime
	}
	h ^= h >> 32
	h *= 0x9e3779b97f4a7c15
	return h ^ h>>29
}

// split returns the nodes below a key, the one at it and those above.
func split[V any](n *node[V], key string) (below, at, above *node[V]) {
	if n == nil {
		return nil, nil, nil
	}
	c := *n
	switch {
	case key < n.key:
		below, at, c.left = split(n.left, key)
		return below, at, &c
	case key > n.key:
		c.right, at, above = split(n.right, key)
		return &c, at, above
	}
	return n.left, n, n.right
}

// join joins trees of which all keys of a are below those of b.
func join[V any](a, b *node[V]) *node[V] {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case a.priority > b.priority:
		c := *a
		c.right = join(a.right, b)
		return &c
	}
	c := *b
	c.left = join(a, b.left)
	return &c
}

// span is a part of the keys: from low on and below high.
type span struct {
	low, high string // high "" = to the end
}

// each visits a span in order until visit returns false.
func (t tree[V]) each(s span, desc bool, visit func(key string, v V) bool) {
	walk(t.root, s, desc, visit)
}

func walk[V any](n *node[V], s span, desc bool, visit func(string, V) bool) bool {
	if n == nil {
		return true
	}
	first, second := n.left, n.right
	inFirst, inSecond := n.key > s.low, s.high == "" || n.key < s.high
	if desc {
		first, second = second, first
		inFirst, inSecond = inSecond, inFirst
	}
	if inFirst && !walk(first, s, desc, visit) {
		return false
	}
	if n.key >= s.low && (s.high == "" || n.key < s.high) && !visit(n.key, n.value) {
		return false
	}
	return !inSecond || walk(second, s, desc, visit)
}
