package egress

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"github.com/perdure/perdure"
)

// PublicOnly returns a transport that connects with public addresses only, for
// tools whose URLs come from a model or from a page that one has read. What counts
// is the address that is dialed, after each resolution of a name and for each
// redirect; loopback, private, link-local and other special addresses, among them
// those of cloud metadata, are refused with PermissionDenied. It uses no proxy: that
// would dial in its place.
func PublicOnly() *http.Transport { return Guarded(IsPublic) }

// Guarded is PublicOnly with other addresses: those that allow reports true for.
func Guarded(allow func(netip.Addr) bool) *http.Transport {
	dialer := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second, ControlContext: guard(allow).check}
	return &http.Transport{
		DialContext: dialer.DialContext, ForceAttemptHTTP2: true, MaxIdleConns: 100,
		IdleConnTimeout: 90 * time.Second, TLSHandshakeTimeout: 10 * time.Second, ExpectContinueTimeout: time.Second,
	}
}

// guard says which addresses may be connected with.
type guard func(netip.Addr) bool

// check is asked before each connection, with the address that was resolved.
func (g guard) check(_ context.Context, network, address string, _ syscall.RawConn) error {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("address %q: %w", address, err)
	}
	if (network == "tcp4" || network == "tcp6") && g(a.Addr()) {
		return nil
	}
	return &perdure.Error{Code: perdure.PermissionDenied, Op: "connect", Message: fmt.Sprintf("%s is not a public address, nor one that was allowed", a.Addr())}
}

// special are the ranges that are not public beside those that netip knows: of
// IANA's special-purpose registries, and those that lead elsewhere.
var special = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "240.0.0.0/4",
	"::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16", "fec0::/10",
)

// embedding are the ranges whose addresses hold one of IPv4, at this byte.
var embedding = map[netip.Prefix]int{
	netip.MustParsePrefix("64:ff9b::/96"): 12, // NAT64
	netip.MustParsePrefix("2002::/16"):    2,  // 6to4
}

func prefixes(texts ...string) []netip.Prefix {
	var list []netip.Prefix
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

// IsPublic reports whether an address is one of the public internet.
func IsPublic(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() {
		return false
	}
	for _, p := range special {
		if p.Contains(a) {
			return false
		}
	}
	for p, at := range embedding {
		if p.Contains(a) {
			b := a.As16()
			return IsPublic(netip.AddrFrom4([4]byte(b[at : at+4])))
		}
	}
	return true
}
