package access

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/perdure/perdure"
)

// Entry is a line of a file of tokens:
//
//	NAME ROLE HUB EXPIRES SHA256
//	NAME ROLE HUB EXPIRES cert:SAN
//
// EXPIRES is a time as in RFC 3339, or never; SHA256 is that of the token, in
// hexadecimal. SAN is a name in the client's certificate, which is shown in place of a
// token. Empty lines and those that begin with # mean nothing.
type Entry struct {
	Name    string
	Role    Role
	Hub     string
	Expires time.Time         // zero = never
	Hash    [sha256.Size]byte // of the token
	SAN     string            // "" = it is a token
}

// String is the line.
func (e Entry) String() string {
	expires := never
	if !e.Expires.IsZero() {
		expires = e.Expires.UTC().Format(time.RFC3339)
	}
	shown := fmt.Sprintf("%x", e.Hash)
	if e.SAN != "" {
		shown = sanPrefix + e.SAN
	}
	return strings.Join([]string{e.Name, e.Role.Name, e.Hub, expires, shown}, " ")
}

// key is what an entry is found by.
func (e Entry) key() [sha256.Size]byte {
	if e.SAN != "" {
		return sanKey(e.SAN, e.Hub)
	}
	return e.Hash
}

// sanPrefix begins the word for a name in a certificate.
const sanPrefix = "cert:"

// sanKey is the key of the entry for a name in a certificate and a hub: no token has
// one like it.
func sanKey(san, hub string) [sha256.Size]byte {
	return sha256.Sum256([]byte(sanPrefix + san + "\x00" + hub))
}

const never = "never"

var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,99}$`)

// ParseEntry reads a line.
func ParseEntry(line string) (Entry, error) {
	fields := strings.Fields(line)
	if len(fields) != 5 {
		return Entry{}, fmt.Errorf("%d words, not 5: NAME ROLE HUB EXPIRES SHA256", len(fields))
	}
	e := Entry{Name: fields[0], Hub: fields[2]}
	var wrong []error
	if !nameForm.MatchString(e.Name) {
		wrong = append(wrong, fmt.Errorf("the name %q has other characters than letters, digits and . _ @ -", e.Name))
	}
	var err error
	if e.Role, err = RoleOf(fields[1]); err != nil {
		wrong = append(wrong, err)
	}
	if e.Hub != AnyHub {
		if err := CheckHub(e.Hub); err != nil {
			wrong = append(wrong, err)
		}
	}
	if fields[3] != never {
		if e.Expires, err = time.Parse(time.RFC3339, fields[3]); err != nil {
			wrong = append(wrong, fmt.Errorf("%q is neither a time such as 2030-01-31T00:00:00Z nor never", fields[3]))
		}
	}
	if san, ok := strings.CutPrefix(fields[4], sanPrefix); ok && san != "" {
		e.SAN = san
		return e, errors.Join(wrong...)
	}
	hash, err := hex.DecodeString(fields[4])
	if err != nil || len(hash) != len(e.Hash) {
		wrong = append(wrong, errors.New("the last word is neither 64 hexadecimal digits nor cert: and a name"))
	}
	copy(e.Hash[:], hash)
	return e, errors.Join(wrong...)
}

// Hubs have names that fit a header, a path and a file.
var hubForm = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9_.-]{0,98}[A-Za-z0-9])?$`)

// CheckHub returns why a hub cannot have the name.
func CheckHub(name string) error {
	if !hubForm.MatchString(name) {
		return &perdure.Error{Code: perdure.InvalidArgument,
			Message: fmt.Sprintf("no task hub can be called %q: 1 to 100 letters, digits, - _ . with a letter or digit first and last", name)}
	}
	return nil
}

// tokenPrefix shows what a token is to who finds one.
const tokenPrefix = "pdt_"

// NewToken draws a token of 256 bits and returns it with its hash. It is to be
// shown once and kept nowhere.
func NewToken() (token string, hash [sha256.Size]byte) {
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // never fails
	token = tokenPrefix + base64.RawURLEncoding.EncodeToString(secret[:])
	return token, sha256.Sum256([]byte(token))
}

// maxFile is the largest file of tokens.
const maxFile = 4 << 20

// ReadFile reads a file of tokens. It returns the lines that are right, and an
// error that names those that are not.
func ReadFile(name string) ([]Entry, error) {
	data, err := readFile(name)
	if err != nil {
		return nil, err
	}
	return parse(name, data)
}

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s is larger than %d bytes", name, maxFile)
	}
	return data, nil
}

func parse(name string, data []byte) ([]Entry, error) {
	var entries []Entry
	var wrong []error
	for i, line := range strings.Split(string(data), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		e, err := ParseEntry(line)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s, line %d: %w", name, i+1, err))
			continue
		}
		entries = append(entries, e)
	}
	return entries, errors.Join(wrong...)
}

// Tokens are the tokens of a file, as it is now. Check may be called concurrently.
type Tokens struct {
	name   string
	logger *slog.Logger
	now    func() time.Time
	data   []byte // of the file, when it was read last
	live   atomic.Pointer[map[[sha256.Size]byte]*issued]
}

// issued is an entry while it holds.
type issued struct {
	entry Entry
	ended chan struct{}
}

// Open reads a file of tokens. An error names every line that is not right.
func Open(name string, logger *slog.Logger) (*Tokens, error) {
	t := &Tokens{name: name, logger: logger, now: time.Now}
	data, err := readFile(name)
	if err != nil {
		return nil, err
	}
	entries, err := parse(name, data)
	if err != nil {
		return nil, err
	}
	t.data = data
	t.apply(entries)
	return t, nil
}

// Check returns what the bearer of a token may do, or Unauthenticated.
func (t *Tokens) Check(token string) (*Grant, error) {
	if i := (*t.live.Load())[sha256.Sum256([]byte(token))]; t.holds(i) && i.entry.SAN == "" {
		return i.grant(), nil
	}
	return nil, &perdure.Error{Code: perdure.Unauthenticated, Message: "the token is not known, or not any more"}
}

// CheckCertificate returns what may be done in a hub by who has shown a certificate
// with these names, or Unauthenticated. If it is known for other hubs alone, the grant
// is for one of these.
func (t *Tokens) CheckCertificate(names []string, hub string) (*Grant, error) {
	live := *t.live.Load()
	for _, name := range names {
		for _, h := range []string{hub, AnyHub} {
			if i := live[sanKey(name, h)]; t.holds(i) && i.entry.SAN == name {
				return i.grant(), nil
			}
		}
	}
	for _, i := range live {
		if i.entry.SAN != "" && slices.Contains(names, i.entry.SAN) && t.holds(i) {
			return i.grant(), nil
		}
	}
	return nil, &perdure.Error{Code: perdure.Unauthenticated, Message: "none of the names in the client's certificate is known"}
}

// NamesOf returns the names in the certificate that the client of a TLS session has
// shown and that was verified.
func NamesOf(s *tls.ConnectionState) []string {
	if s == nil || len(s.VerifiedChains) == 0 {
		return nil
	}
	leaf := s.VerifiedChains[0][0]
	names := slices.Concat(leaf.DNSNames, leaf.EmailAddresses)
	for _, u := range leaf.URIs {
		names = append(names, u.String())
	}
	return names
}

// holds reports whether an entry is there and has not expired.
func (t *Tokens) holds(i *issued) bool {
	return i != nil && (i.entry.Expires.IsZero() || t.now().Before(i.entry.Expires))
}

func (i *issued) grant() *Grant {
	return &Grant{Name: i.entry.Name, Role: i.entry.Role, Hub: i.entry.Hub, Ended: i.ended}
}

// lookEvery is how often the file is read: a change holds once it was seen twice,
// so that no half of one does, and thus within a second.
const lookEvery = 300 * time.Millisecond

// Run follows the file until ctx ends: what is taken out of it, or expires, holds no
// more within a second. Lines that are not right are logged and hold nothing; a file
// that cannot be read any more holds nothing either.
func (t *Tokens) Run(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var seen []byte
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		data, err := readFile(t.name)
		switch {
		case bytes.Equal(data, t.data):
			seen = nil
		case seen == nil || !bytes.Equal(seen, data):
			seen = append([]byte{}, data...)
		default:
			t.reread(data, err)
			seen = nil
		}
		t.expire()
	}
}

// reread applies what the file says now.
func (t *Tokens) reread(data []byte, err error) {
	entries, wrong := parse(t.name, data)
	if err = errors.Join(err, wrong); err != nil {
		t.logger.Error("tokens are missing", "err", err)
	}
	t.data = data
	t.apply(entries)
	t.logger.Info("tokens were read anew", "file", t.name, "tokens", len(entries))
}

// apply has exactly these entries hold.
func (t *Tokens) apply(entries []Entry) {
	old := t.live.Load()
	live := make(map[[sha256.Size]byte]*issued, len(entries))
	for _, e := range entries {
		i := &issued{e, make(chan struct{})}
		if old != nil {
			if before := (*old)[e.key()]; before != nil && before.entry == e {
				i = before
			}
		}
		live[e.key()] = i
	}
	t.live.Store(&live)
	if old == nil {
		return
	}
	for hash, i := range *old {
		if live[hash] != i {
			close(i.ended)
		}
	}
}

// expire takes out what has expired.
func (t *Tokens) expire() {
	var kept []Entry
	live := *t.live.Load()
	for _, i := range live {
		if t.holds(i) {
			kept = append(kept, i.entry)
		}
	}
	if len(kept) < len(live) {
		t.apply(kept)
	}
}
