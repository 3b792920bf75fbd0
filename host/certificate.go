package host

import (
	"crypto/tls"
	"errors"
	"os"
	"sync"
	"time"
)

// TLS names the files of the certificate to serve with. When they change they are
// read anew, within 10 s of the next connection.
type TLS struct {
	Cert string // certificate and those of its issuers, PEM
	Key  string // private key, PEM
}

// lookForCertificate is how often the files are looked at, at most.
const lookForCertificate = 10 * time.Second

// certificate is a certificate in files.
type certificate struct {
	files TLS

	mu      sync.Mutex // guards what follows
	read    tls.Certificate
	state   string // of the files when they were read
	checked time.Time
}

// openCertificate reads the files.
func openCertificate(files TLS) (*certificate, error) {
	if files.Cert == "" || files.Key == "" {
		return nil, errors.New("a certificate needs its key, and a key its certificate: two files")
	}
	c := &certificate{files: files}
	c.checked, c.state = time.Now(), files.state()
	var err error
	c.read, err = tls.LoadX509KeyPair(files.Cert, files.Key)
	return c, err
}

// get returns the certificate for a handshake. One that cannot be read is left for
// the one before.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.checked) >= lookForCertificate {
		c.checked = now
		if state := c.files.state(); state != c.state {
			// Certificate and key may be written one after the other: then they do
			// not fit, and are looked at again.
			if read, err := tls.LoadX509KeyPair(c.files.Cert, c.files.Key); err == nil {
				c.read, c.state = read, state
			}
		}
	}
	read := c.read
	return &read, nil
}

// state changes when the files do.
func (f TLS) state() string {
	var s string
	for _, name := range []string{f.Cert, f.Key} {
		if info, err := os.Stat(name); err == nil {
			s += info.ModTime().String() + " "
		}
	}
	return s
}
