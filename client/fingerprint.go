package client

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"

	"github.com/perdure/perdure/internal/history"
)

// Fingerprint is the same for failures that are alike: of one type, with messages that
// differ in numbers, ids and what is quoted only. "" = no failure. It goes by the part of
// the message that lists have.
func Fingerprint(f *history.Failure) string {
	if f == nil {
		return ""
	}
	const most = 256
	text := f.Message
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "")
	}
	sum := sha256.Sum256([]byte(f.Type + "\x00" + likeness(text)))
	return hex.EncodeToString(sum[:6])
}

// likeness is a text without what differs from one failure to another.
func likeness(text string) string {
	var words []string
	for word := range strings.FieldsFuncSeq(unquoted(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if !strings.ContainsFunc(word, unicode.IsDigit) {
			words = append(words, strings.ToLower(word))
		}
	}
	return strings.Join(words, " ")
}

// unquoted leaves out what stands between double quotes.
func unquoted(text string) string {
	parts := strings.Split(text, `"`)
	for i := 1; i < len(parts)-1; i += 2 {
		parts[i] = " "
	}
	return strings.Join(parts, " ")
}
