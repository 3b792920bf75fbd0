package host

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// TLS names the files to serve with. When they change they are read anew, within 10 s
// of the next connection.
type TLS struct {
	Cert string // certificate and those of its issuers, PEM
	Key  string // private key, PEM
	// Clients are the issuers of certificates that clients may show in place of a
	// token, PEM: the names in these stand in the file of tokens, as cert:NAME. "" =
	// clients show none.
	Clients string
}

// lookForCertificate is how often the files are looked at, at most.
const lookForCertificate = 10 * time.Second

// certificate is what is served with, as the files say.
type certificate struct {
	files TLS

	mu      sync.Mutex // guards what follows
	read    *tls.Config
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
	c.read, err = files.load()
	return c, err
}

// load reads the files.
func (f TLS) load() (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		return nil, err
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, Certificates: []tls.Certificate{pair}}
	if f.Clients == "" {
		return cfg, nil
	}
	issuers, err := os.ReadFile(f.Clients)
	if err != nil {
		return nil, err
	}
	cfg.ClientCAs, cfg.ClientAuth = x509.NewCertPool(), tls.VerifyClientCertIfGiven
	if !cfg.ClientCAs.AppendCertsFromPEM(issuers) {
		return nil, fmt.Errorf("%s holds no certificate", f.Clients)
	}
	return cfg, nil
}

// get returns what to speak with on a connection. What cannot be read is left for
// what was there before.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Config, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.checked) >= lookForCertificate {
		c.checked = now
		if state := c.files.state(); state != c.state {
			// Certificate and key may be written one after the other: then they do
			// not fit, and are looked at again.
			if read, err := c.files.load(); err == nil {
				c.read, c.state = read, state
			}
		}
	}
	return c.read, nil
}

// state changes when the files do.
func (f TLS) state() string {
	var s string
	for _, name := range []string{f.Cert, f.Key, f.Clients} {
		if info, err := os.Stat(name); err == nil {
			s += info.ModTime().String() + " "
		}
	}
	return s
}
