package httpapi_test

import (
	"strings"
	"testing"

	"github.com/perdure/perdure/internal/httpapi"
)

func TestCheckLinks(t *testing.T) {
	for _, c := range []struct{ field, pattern, want string }{
		{"trace", "https://jaeger.example.com/trace/{value}", ""},
		{"tag.customer", "http://crm.local:8080/c?id={value}&run={id}&t={tag.a.b}", ""},
		{"id", "https://logs.example.com/", ""},
		{"id", "javascript:alert({value})", "no address"},
		{"id", "data:text/html,{value}", "no address"},
		{"id", "//elsewhere/{value}", "no address"},
		{"id", "https:///{value}", "no address"},
		{"id", "{value}", "no address"},
		{"id", "https://user:pass@host/{value}", "no address"},
		{"id", "https://{value}.example.com/", "depends on values"},
		{"id", "https://{value}/", "depends on values"},
		{"id", "{value}://host/", "no address"},
		{"id", "https://host/{values}", "no field"},
		{"colour", "https://host/{value}", "no such field"},
		{"tag.", "https://host/{value}", "no such field"},
	} {
		err := httpapi.CheckLinks(map[string]string{c.field: c.pattern})
		if got := err == nil; got != (c.want == "") || !got && !strings.Contains(err.Error(), c.want) {
			t.Errorf("CheckLinks(%s=%s) = %v, want %q", c.field, c.pattern, err, c.want)
		}
	}
}
