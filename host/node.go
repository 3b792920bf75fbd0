package host

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/perdure/perdure/internal/access"
)

// AdvertiseNone as Config.Advertise keeps other nodes from calling this one.
const AdvertiseNone = "none"

// newNode names this start of the process among all nodes there were and are. The name
// is one that access.Cluster.Dial takes, and begins with that of the machine.
func newNode() string {
	host, err := os.Hostname()
	if err != nil {
		host = "node"
	}
	host = strings.Trim(notInNames.ReplaceAllString(strings.ToLower(host), "-"), "-")
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return host[:min(len(host), maxHostName)] + "-" + hex.EncodeToString(b[:])
}

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// maxHostName is how much of a machine's name a node's name shows, so that it is one
// label of a server's name.
const maxHostName = 40

// door lets other nodes in on the app's addresses, once it is known how to tell them.
type door struct{ known atomic.Pointer[doorplate] }

// doorplate is who lives here, and who may come in.
type doorplate struct {
	node    string
	cluster *access.Cluster
}

// open has those let in who know the cluster's secret and mean the node.
func (d *door) open(node string, cluster *access.Cluster) {
	d.known.Store(&doorplate{node, cluster})
}

// config is what is spoken with a node that asks for this one. It implements
// tls.Config.GetConfigForClient.
func (d *door) config(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	asked, ok := access.NodeOf(hello.ServerName)
	known := d.known.Load()
	if !ok || known == nil || asked != known.node {
		return nil, errors.New("no such node is here")
	}
	return known.cluster.Serve(), nil
}

// or returns what is spoken with nodes, and with others what the function says.
func (d *door) or(others func(*tls.ClientHelloInfo) (*tls.Config, error)) func(*tls.ClientHelloInfo) (*tls.Config, error) {
	return func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if _, ok := access.NodeOf(hello.ServerName); ok {
			return d.config(hello)
		}
		return others(hello)
	}
}

// isNode reports whether a call with a TLS session comes from another node.
func (d *door) isNode(session *tls.ConnectionState) bool {
	known := d.known.Load()
	return known != nil && known.cluster.Is(session)
}

// checkAdvertise returns why an address cannot be the one at which other nodes reach
// this one.
func checkAdvertise(address string) error {
	if address == "" || address == AdvertiseNone {
		return nil
	}
	host, port, err := net.SplitHostPort(strings.TrimPrefix(address, "https://"))
	if err != nil || host == "" {
		return fmt.Errorf("%q is not host:port", address)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("%q has no port from 1 to 65535", address)
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		return fmt.Errorf("%q is no address that others can reach", address)
	}
	return nil
}

// advertised is the URL at which other nodes reach an app that listens at an address;
// "" = they do not.
func (c *Config) advertised(listening net.Addr) string {
	switch {
	case c.Advertise == AdvertiseNone:
		return ""
	case c.Advertise != "":
		return "https://" + strings.TrimPrefix(c.Advertise, "https://")
	}
	tcp, ok := listening.(*net.TCPAddr)
	if !ok {
		return ""
	}
	host := tcp.IP.String()
	if configured, _, err := net.SplitHostPort(c.Addr); err == nil && configured != "" && net.ParseIP(configured) == nil {
		host = configured // a name, which stays when the address changes
	}
	if tcp.IP.IsUnspecified() {
		host = ownAddress()
	}
	u := url.URL{Scheme: "https", Host: net.JoinHostPort(host, strconv.Itoa(tcp.Port))}
	return u.String()
}

// ownAddress is where other machines reach this one: its first address that is good
// for more than its own link, else its name.
func ownAddress() string {
	addresses, err := net.InterfaceAddrs()
	if err == nil {
		for _, want4 := range []bool{true, false} {
			for _, a := range addresses {
				if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() && (n.IP.To4() != nil) == want4 {
					return n.IP.String()
				}
			}
		}
	}
	if name, err := os.Hostname(); err == nil {
		return name
	}
	return "localhost"
}
