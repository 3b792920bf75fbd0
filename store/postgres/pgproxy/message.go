package pgproxy

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
)

// message is a message of the protocol, with its type and length.
type message []byte

func (m message) kind() byte { return m[0] }

// text cuts a text that ends with 0 from the beginning of b.
func text(b []byte) (s string, rest []byte) {
	t, rest, _ := bytes.Cut(b, []byte{0})
	return string(t), rest
}

// maxMessage bounds what a broken peer can have us keep.
const maxMessage = 1 << 30

// readMessage reads a message after the startup.
func readMessage(r *bufio.Reader) (message, error) {
	head, err := r.Peek(5)
	if err != nil {
		return nil, err
	}
	return readSized(r, 1, binary.BigEndian.Uint32(head[1:]))
}

// readStartup reads a message of the startup, which has no type.
func readStartup(r *bufio.Reader) (message, error) {
	head, err := r.Peek(4)
	if err != nil {
		return nil, err
	}
	return readSized(r, 0, binary.BigEndian.Uint32(head))
}

func readSized(r *bufio.Reader, before int, size uint32) (message, error) {
	if size < 4 || size > maxMessage {
		return nil, fmt.Errorf("a message of %d bytes", size)
	}
	m := make(message, before+int(size))
	_, err := io.ReadFull(r, m)
	return m, err
}

// The codes with which a connection can begin beside a protocol version.
const (
	wantsTLS    = 80877103
	wantsGSSENC = 80877104
)

// startupCode is the code or version of a message of the startup.
func startupCode(m message) uint32 {
	if len(m) < 8 {
		return 0
	}
	return binary.BigEndian.Uint32(m[4:])
}

// build makes a message of a type from its parts.
func build(kind byte, parts ...[]byte) message {
	body := bytes.Join(parts, nil)
	m := append(message{kind}, binary.BigEndian.AppendUint32(nil, uint32(4+len(body)))...)
	return append(m, body...)
}

// raising makes messages that execute a statement which fails with an SQLSTATE, under
// names that nobody else uses.
func raising(state string) (all message) {
	name := "pgproxy\x00"
	all = append(all, build('C', []byte("S"+name))...)
	all = append(all, build('P', []byte(name), []byte(raisingSQL(state)+"\x00"), []byte{0, 0})...)
	all = append(all, build('B', []byte(name), []byte(name), []byte{0, 0, 0, 0, 0, 0})...)
	return append(all, build('E', []byte(name), []byte{0, 0, 0, 0})...)
}

func raisingSQL(state string) string {
	return fmt.Sprintf(`DO $$ BEGIN RAISE EXCEPTION 'injected by the proxy' USING ERRCODE = '%s'; END $$`, state)
}

// raisingAnswers are the types of what the server answers to these messages when all
// is well with it. Each is ownSize long.
const (
	raisingAnswers = "312"
	ownSize        = 5
)

// verb is the first word of a statement, in capitals.
func verb(sql string) string {
	sql = strings.TrimLeft(sql, " \t\r\n(")
	end := strings.IndexFunc(sql, func(r rune) bool { return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z') })
	if end >= 0 {
		sql = sql[:end]
	}
	return strings.ToUpper(sql)
}

// writes reports whether a statement changes anything that lasts, as far as its words
// tell.
func writes(sql string) bool {
	upper := strings.ToUpper(sql)
	for _, word := range []string{"INSERT ", "UPDATE ", "DELETE ", "MERGE ", "CALL ", "TRUNCATE ", "CREATE ", "ALTER ", "DROP "} {
		if strings.Contains(upper, word) && !strings.HasPrefix(strings.TrimSpace(upper), "SET ") {
			return true
		}
	}
	return false
}
