package host_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// authority issues certificates of clients.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return authority{cert, key}
}

// issue makes a certificate for a client with a name.
func (a authority) issue(t *testing.T, name string, until time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: until,
		DNSNames: []string{name}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, KeyUsage: x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// TestCertificatesOfClients has clients show certificates in place of tokens.
func TestCertificatesOfClients(t *testing.T) {
	dir := t.TempDir()
	ours, theirs := newAuthority(t), newAuthority(t)
	cfg := config(t.TempDir())
	cfg.TaskHubs = []string{"a", "b"}
	cfg.TLS = host.TLS{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem"), Clients: filepath.Join(dir, "clients.pem")}
	cfg.Tokens = filepath.Join(dir, "tokens")
	roots := writeCertificate(t, cfg.TLS, 1)
	issuers := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ours.cert.Raw})
	lines := "ann contributor a never cert:ann.example.com\nbob reader * never cert:bob.example.com\n"
	for name, data := range map[string]string{cfg.TLS.Clients: string(issuers), cfg.Tokens: lines} {
		if err := os.WriteFile(name, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	app, _ := start(t, cfg)
	addr := strings.TrimPrefix(app.URL(), "https://")
	hour := time.Now().Add(time.Hour)
	ann, bob := ours.issue(t, "ann.example.com", hour), ours.issue(t, "bob.example.com", hour)
	for _, c := range []struct {
		who         string
		cert        *tls.Certificate
		hub         string
		read, write codes.Code
		http        int // of a read; 0 = no connection
	}{
		{"ann in her hub", &ann, "a", codes.OK, codes.OK, 200},
		{"ann in another hub", &ann, "b", codes.NotFound, codes.NotFound, 404},
		{"bob", &bob, "b", codes.OK, codes.PermissionDenied, 200},
		{"nobody", nil, "a", codes.Unauthenticated, codes.Unauthenticated, 401},
		{"eve, who is not known", ptr(ours.issue(t, "eve.example.com", hour)), "a", codes.Unauthenticated, codes.Unauthenticated, 401},
		{"ann by another authority", ptr(theirs.issue(t, "ann.example.com", hour)), "a", codes.Unavailable, codes.Unavailable, 0},
		{"ann too late", ptr(ours.issue(t, "ann.example.com", time.Now().Add(-time.Hour))), "a", codes.Unavailable, codes.Unavailable, 0},
	} {
		session := &tls.Config{RootCAs: roots}
		if c.cert != nil { // also if the server does not ask for one of its issuer
			session.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return c.cert, nil }
		}
		conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(credentials.NewTLS(session.Clone())))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		err = invoke(t.Context(), conn, c.hub, "", "GetInstance", &wirepb.GetInstanceRequest{InstanceId: "x"}, new(wirepb.GetInstanceResponse))
		if status.Code(err) != c.read {
			t.Errorf("a read of %s = %v, want %v", c.who, err, c.read)
		}
		err = invoke(t.Context(), conn, c.hub, "", "SuspendInstance", &wirepb.SuspendRequest{InstanceId: "x"}, new(wirepb.SuspendResponse))
		if want := c.write; want == codes.OK && status.Code(err) != codes.NotFound || want != codes.OK && status.Code(err) != want {
			t.Errorf("a write of %s = %v, want %v, or NotFound of the instance if it is allowed", c.who, err, want)
		}
		transport := &http.Transport{TLSClientConfig: session}
		defer transport.CloseIdleConnections()
		r, err := http.NewRequestWithContext(t.Context(), "GET", app.URL()+"/api/v1/runs", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("taskhub", c.hub)
		got := 0
		if response, err := (&http.Client{Transport: transport}).Do(r); err == nil {
			got = response.StatusCode
			_ = response.Body.Close()
		}
		if got != c.http {
			t.Errorf("over HTTP a read of %s = %d, want %d", c.who, got, c.http)
		}
	}
}

func ptr[T any](v T) *T { return &v }
