package host

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// pairs are two certificates with their keys, made for this test alone.
func pairs(t *testing.T) (certs, keys [2][]byte) {
	t.Helper()
	for i, name := range []string{"one", "two"} {
		cert, key := selfSigned(t, name)
		certs[i], keys[i] = cert, key
	}
	return certs, keys
}

// TestCertificateIsReadAnew replaces the files of a certificate, one after the other
// as tools do.
func TestCertificateIsReadAnew(t *testing.T) {
	dir := t.TempDir()
	files := TLS{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	certs, keys := pairs(t)
	write := func(name string, data []byte, at time.Time) {
		t.Helper()
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, at, at); err != nil {
			t.Fatal(err)
		}
	}
	long := time.Now().Add(-time.Hour)
	write(files.Cert, certs[0], long)
	write(files.Key, keys[0], long)
	c, err := openCertificate(files)
	if err != nil {
		t.Fatal(err)
	}
	name := func() string {
		t.Helper()
		c.checked = time.Time{} // as if much time had passed
		got, err := c.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		return got.Certificates[0].Leaf.Subject.CommonName
	}
	if got := name(); got != "one" {
		t.Errorf("the certificate is %q, want one", got)
	}
	write(files.Cert, certs[1], long.Add(time.Minute))
	if got := name(); got != "one" {
		t.Errorf("with a key that does not fit yet the certificate is %q, want one", got)
	}
	write(files.Key, keys[1], long.Add(2*time.Minute))
	if got := name(); got != "two" {
		t.Errorf("once both files are new the certificate is %q, want two", got)
	}
	if err := os.Remove(files.Key); err != nil {
		t.Fatal(err)
	}
	if got := name(); got != "two" {
		t.Errorf("without a key the certificate is %q, want two as before", got)
	}
	if _, err := openCertificate(TLS{Cert: files.Cert}); err == nil {
		t.Error("a certificate without a key is accepted")
	}
}
