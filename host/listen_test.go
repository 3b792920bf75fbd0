package host_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/perdure/perdure/host"
)

// rpc connects to a server by gRPC; roots = nil means plaintext.
func rpc(t *testing.T, address string, roots *x509.CertPool) *grpc.ClientConn {
	t.Helper()
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		address = u.Host
	}
	creds := insecure.NewCredentials()
	if roots != nil {
		creds = credentials.NewTLS(&tls.Config{RootCAs: roots})
	}
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(creds))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func serving(ctx context.Context, conn *grpc.ClientConn) error {
	r, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	if err == nil && r.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
		err = errors.New(r.GetStatus().String())
	}
	return err
}

// freeAddr returns an address that was free a moment ago.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// TestOnePort speaks HTTP and gRPC on the same address, and on a further one.
func TestOnePort(t *testing.T) {
	cfg := config(t.TempDir())
	cfg.Listen = []string{freeAddr(t)}
	app, stop := start(t, cfg)
	for _, address := range []string{app.URL(), "http://" + cfg.Listen[0]} {
		r, err := http.Get(address + "/readyz")
		if err != nil || r.StatusCode != http.StatusOK {
			t.Fatalf("GET %s/readyz = %v, %v, want 200", address, r, err)
		}
		_ = r.Body.Close()
		if err := serving(t.Context(), rpc(t, address, nil)); err != nil {
			t.Errorf("gRPC at %s = %v, want it to serve", address, err)
		}
	}
	watch, err := grpc_health_v1.NewHealthClient(rpc(t, app.URL(), nil)).Watch(t.Context(), &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := watch.Recv(); err != nil || r.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
		t.Fatalf("Watch = %v, %v, want SERVING", r, err)
	}
	began := time.Now()
	if err := stop(); err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("a stream held up the stop for %v", took)
	}
	for err == nil { // it may tell of the stop
		_, err = watch.Recv()
	}
	if !errors.Is(err, io.EOF) {
		t.Errorf("the stream ended with %v, want OK", err)
	}
}

// writeCertificate writes a certificate for 127.0.0.1 and returns who trusts it.
func writeCertificate(t *testing.T, files host.TLS, serial int64) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true, IsCA: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	for name, block := range map[string]*pem.Block{
		files.Cert: {Type: "CERTIFICATE", Bytes: der}, files.Key: {Type: "PRIVATE KEY", Bytes: private},
	} {
		data := pem.EncodeToMemory(block)
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		pool.AppendCertsFromPEM(data)
	}
	return pool
}

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	cfg := config(t.TempDir())
	cfg.TLS = host.TLS{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	if _, err := host.New(cfg); err == nil || !strings.Contains(err.Error(), "tls:") {
		t.Errorf("New() without the files = %v, want an error about tls", err)
	}
	roots := writeCertificate(t, cfg.TLS, 1)
	app, _ := start(t, cfg)
	if !strings.HasPrefix(app.URL(), "https://127.0.0.1:") {
		t.Errorf("URL() = %q, want https", app.URL())
	}
	for _, h2 := range []bool{false, true} {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, Protocols: new(http.Protocols)}
		transport.Protocols.SetHTTP1(!h2)
		transport.Protocols.SetHTTP2(h2)
		defer transport.CloseIdleConnections()
		r, err := (&http.Client{Transport: transport}).Get(app.URL() + "/api/v1/info")
		if err != nil || r.StatusCode != http.StatusOK || r.ProtoMajor == 2 != h2 {
			t.Fatalf("GET over HTTP/2 %t = %v, %v, want 200", h2, r, err)
		}
		_ = r.Body.Close()
	}
	if err := serving(t.Context(), rpc(t, app.URL(), roots)); err != nil {
		t.Errorf("gRPC over TLS = %v, want it to serve", err)
	}
	if err := serving(t.Context(), rpc(t, app.URL(), x509.NewCertPool())); err == nil {
		t.Error("gRPC with a server that is not trusted = OK, want an error")
	}
	if err := serving(t.Context(), rpc(t, app.URL(), nil)); err == nil {
		t.Error("gRPC in plaintext to an address with TLS = OK, want an error")
	}
}
