package main

import (
	"bytes"
	"fmt"
	"unicode"
	"unicode/utf8"
)

// spelled escapes letters in JSON that look like others: within a word that has Latin
// letters, those of scripts that share their shapes. Whoever approves arguments must see
// that one is not what it looks like.
func spelled(data []byte) []byte {
	var b bytes.Buffer
	for len(data) > 0 {
		n := wordIn(data)
		if n == 0 {
			n = 1
			if data[0] == '\\' && len(data) > 1 { // an escape is no part of a word
				n = 2
			} else if _, size := utf8.DecodeRune(data); size > 1 {
				n = size
			}
			b.Write(data[:n])
			data = data[n:]
			continue
		}
		word := data[:n]
		data = data[n:]
		if bytes.IndexFunc(word, isLatin) < 0 || bytes.IndexFunc(word, looksLatin) < 0 {
			b.Write(word)
			continue
		}
		for _, r := range string(word) {
			switch {
			case !looksLatin(r):
				b.WriteRune(r)
			case r > 0xffff:
				r -= 0x10000
				fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
			default:
				fmt.Fprintf(&b, `\u%04x`, r)
			}
		}
	}
	return b.Bytes()
}

// wordIn returns the length of the word with which a text begins.
func wordIn(data []byte) int {
	n := bytes.IndexFunc(data, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) })
	if n < 0 {
		return len(data)
	}
	return n
}

func isLatin(r rune) bool { return unicode.Is(unicode.Latin, r) && (r < 0xff00 || r > 0xffef) }

// looksLatin reports whether a letter is of a script of which some look like Latin
// letters, or a form of these for mathematics or full width.
func looksLatin(r rune) bool {
	return unicode.IsLetter(r) && (unicode.In(r, unicode.Cyrillic, unicode.Greek, unicode.Armenian, unicode.Cherokee, unicode.Coptic, unicode.Lisu, unicode.Common) ||
		r >= 0xff00 && r <= 0xffef)
}
