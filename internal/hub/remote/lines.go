package remote

import (
	"errors"
	"sync"

	"google.golang.org/grpc"

	"github.com/perdure/perdure"
)

// lines are connections for what stays open: waits and watches. A connection has room
// for so many streams only, and what finds none stands in line. So what is quick has a
// connection of its own: it never stands behind waits, which may be waiting for it.
type lines struct {
	dial func() (*grpc.ClientConn, error)

	mu     sync.Mutex // guards what follows
	all    []*line
	closed bool
}

// line is a connection with the number of streams that are open on it.
type line struct {
	conn *grpc.ClientConn
	open int
}

// perLine is how many streams are opened on a connection, half of what our servers
// allow: a stream that is given up here is not at once gone there.
const perLine = 512

// take returns a connection with room for a stream; free is called once when that has
// ended.
func (l *lines) take() (conn *grpc.ClientConn, free func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, nil, &perdure.Error{Code: perdure.Unavailable, Op: "connect", Message: "the connection to the hub was closed"}
	}
	var found *line
	for _, one := range l.all {
		if one.open < perLine {
			found = one
			break
		}
	}
	if found == nil {
		conn, err := l.dial()
		if err != nil {
			return nil, nil, err
		}
		found = &line{conn: conn}
		l.all = append(l.all, found)
	}
	found.open++
	return found.conn, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		found.open--
	}, nil
}

// close ends all connections, and what is open on them.
func (l *lines) close() error {
	l.mu.Lock()
	all := l.all
	l.all, l.closed = nil, true
	l.mu.Unlock()
	var errs []error
	for _, one := range all {
		errs = append(errs, one.conn.Close())
	}
	return errors.Join(errs...)
}
