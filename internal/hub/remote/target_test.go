package remote_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub/remote"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		text string
		want remote.Target
	}{
		{"http://localhost:8080", remote.Target{Addr: "localhost:8080", TaskHub: "default"}},
		{" HTTP://[::1]:4001/ ", remote.Target{Addr: "[::1]:4001", TaskHub: "default"}},
		{"https://hub.example?taskhub=a+b", remote.Target{Addr: "hub.example:443", TLS: true, TaskHub: "a b"}},
		{"http://hub?plaintext=true", remote.Target{Addr: "hub:80", TaskHub: "default", Plaintext: true}},
		{"Endpoint=http://localhost:8080;TaskHub=default;Authentication=None", remote.Target{Addr: "localhost:8080", TaskHub: "default"}},
		{"endpoint=x.westus.durabletask.io; TASKHUB=h ;authentication=defaultazure;", remote.Target{
			Addr: "x.westus.durabletask.io:443", TLS: true, TaskHub: "h", Azure: &remote.Azure{Authentication: "DefaultAzure"},
		}},
		{"Authentication=ManagedIdentity;ClientID=c;Endpoint=https://x;TaskHub=h", remote.Target{
			Addr: "x:443", TLS: true, TaskHub: "h", Azure: &remote.Azure{Authentication: "ManagedIdentity", ClientID: "c"},
		}},
		{"Endpoint=https://x;TaskHub=h;Authentication=WorkloadIdentity;ClientID=c;TenantId=t;AdditionallyAllowedTenants=u, v;TokenFilePath=/f", remote.Target{
			Addr: "x:443", TLS: true, TaskHub: "h",
			Azure: &remote.Azure{Authentication: "WorkloadIdentity", ClientID: "c", TenantID: "t", Tenants: []string{"u", "v"}, TokenFile: "/f"},
		}},
	} {
		if !remote.Is(c.text) {
			t.Errorf("Is(%q) = false, want true", c.text)
		}
		got, err := remote.Parse(c.text)
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("Parse(%q) = %v (-want +got):\n%s", c.text, err, diff)
		}
	}
	for _, directory := range []string{"./perdure-data", "/endpoint=", "postgres://h/db", "C:\\data", ""} {
		if remote.Is(directory) {
			t.Errorf("Is(%q) = true, want false", directory)
		}
	}
}

// TestParseErrors: each names the part that is wrong, and none shows a secret.
func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"http://":                                                     "no host",
		"http://user:secret@hub":                                      "user",
		"http://hub/path":                                             `"/path"`,
		"http://hub#secret":                                           "fragment",
		"http://hub:port?x=secret":                                    "malformed",
		"http://hub?taskhub=":                                         `"taskhub" is empty`,
		"http://hub?taskhub=a&taskhub=b":                              `"taskhub" is given more than once`,
		"http://hub?token=secret":                                     `"token" is not known`,
		"http://hub?plaintext=maybe":                                  `"plaintext"`,
		"Endpoint=https://x;TaskHub=h":                                "no Authentication",
		"Endpoint=https://x;Authentication=None":                      "no TaskHub",
		"Endpoint=;TaskHub=h;Authentication=None":                     "no Endpoint",
		"Endpoint=ftp://x;TaskHub=h;Authentication=None":              `Endpoint has the scheme "ftp"`,
		"Endpoint=https://x;TaskHub=h;Authentication=Password":        `Authentication is "Password": there are None, DefaultAzure`,
		"Endpoint=https://x;TaskHub=h;Authentication=None;Key=secret": `key "Key" of the connection string is not known`,
		"Endpoint=https://x;endpoint=https://y;TaskHub=h":             "key Endpoint of the connection string is given more than once",
		"Endpoint=https://x;secret":                                   "no key=value",
	} {
		_, err := remote.Parse(text)
		if perdure.CodeOf(err) != perdure.InvalidArgument || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("Parse(%q) = %v, want an InvalidArgument with %q and without the secret", text, err, want)
		}
	}
}

// TestDialRefuses targets to which a token must not be sent.
func TestDialRefuses(t *testing.T) {
	for _, c := range []struct {
		target remote.Target
		ok     bool
	}{
		{remote.Target{Addr: "hub:80", TaskHub: "h", Token: "secret"}, false},
		{remote.Target{Addr: "hub:80", TaskHub: "h", Token: "secret", Plaintext: true}, true},
		{remote.Target{Addr: "127.0.0.1:80", TaskHub: "h", Token: "secret"}, true},
		{remote.Target{Addr: "[::1]:80", TaskHub: "h", Token: "secret"}, true},
		{remote.Target{Addr: "hub:443", TLS: true, TaskHub: "h", Token: "secret"}, true},
		{remote.Target{Addr: "hub:80", TaskHub: "h", Azure: &remote.Azure{Authentication: "DefaultAzure"}, Plaintext: true}, false},
		{remote.Target{Addr: "hub:443", TLS: true, TaskHub: "h", Azure: &remote.Azure{Authentication: "DefaultAzure"}, Token: "secret"}, false},
		{remote.Target{TaskHub: "h"}, false},
	} {
		h, err := remote.Dial(remote.Config{Target: c.target})
		if (err == nil) != c.ok || err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("Dial(%#v) = %v, want success: %v", c.target, err, c.ok)
		}
		if shown := fmt.Sprintf("%v %+v %#v", c.target, c.target, c.target); strings.Contains(shown, "secret") {
			t.Errorf("the target shows its token: %s", shown)
		}
		if h != nil {
			if err := h.Close(); err != nil {
				t.Errorf("Close() = %v", err)
			}
		}
	}
}
