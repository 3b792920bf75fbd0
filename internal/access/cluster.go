package access

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// Cluster is what nodes that share a store know each other by: a key that they
// derive from the secret which the store keeps. They speak TLS 1.3 with each other, in
// which both sides show that they have the key; the secret itself is never sent. Its
// methods may be called concurrently.
type Cluster struct{ pair tls.Certificate }

// leastSecret is how many bytes a secret must have.
const leastSecret = 16

// NewCluster returns the cluster with a secret of at least 16 random bytes.
func NewCluster(secret []byte) (*Cluster, error) {
	if len(secret) < leastSecret {
		return nil, fmt.Errorf("the nodes' secret has %d bytes, less than %d", len(secret), leastSecret)
	}
	seed, err := hkdf.Key(sha256.New, secret, nil, "perdure node to node, TLS key 1", ed25519.SeedSize)
	if err != nil {
		return nil, err
	}
	key := ed25519.NewKeyFromSeed(seed)
	// Only its key matters. It has no names, and no end: the secret is what ends.
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return &Cluster{tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}}, nil
}

// serverSuffix ends the name by which the TLS of a node is asked for.
const serverSuffix = ".node.perdure.invalid"

// NodeOf returns the name of the node that a TLS client asks for, ok = false if it asks
// for none.
func NodeOf(serverName string) (node string, ok bool) {
	return strings.CutSuffix(strings.ToLower(serverName), serverSuffix)
}

// Serve returns what a node speaks with those that ask for it. They turn out to be
// nodes, or the handshake fails.
func (c *Cluster) Serve() *tls.Config {
	cfg := c.config()
	cfg.ClientAuth = tls.RequireAnyClientCert
	return cfg
}

// Dial returns what to speak with the node of a name, which consists of lower-case
// letters, digits and hyphens. The handshake fails with any other.
func (c *Cluster) Dial(node string) *tls.Config {
	cfg := c.config()
	cfg.ServerName = node + serverSuffix
	cfg.InsecureSkipVerify = true // no issuer has signed for it: VerifyConnection wants the key
	return cfg
}

func (c *Cluster) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{"h2"},
		Certificates: []tls.Certificate{c.pair}, SessionTicketsDisabled: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			if !c.Is(&s) {
				return errors.New("it is no node of this database")
			}
			return nil
		},
	}
}

// Is reports whether the other side of a TLS session is a node.
func (c *Cluster) Is(s *tls.ConnectionState) bool {
	if s == nil || len(s.PeerCertificates) == 0 {
		return false
	}
	own, ok := c.pair.PrivateKey.(ed25519.PrivateKey).Public().(ed25519.PublicKey)
	return ok && own.Equal(s.PeerCertificates[0].PublicKey)
}
