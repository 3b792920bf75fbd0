package main

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// spelled escapes letters in JSON that look like Latin ones and are none: within a word
// that has Latin letters those of scripts that share their shapes, and whole words in which
// each letter looks like a Latin one, but in a string that has other words of that kind of
// script. Whoever approves arguments must see that one is not what it looks like.
func spelled(data []byte) []byte {
	var b bytes.Buffer
	for len(data) > 0 {
		n := stringIn(data)
		spellString(&b, data[:n])
		data = data[n:]
	}
	return b.Bytes()
}

// stringIn returns the length of JSON up to the next quote, with it.
func stringIn(data []byte) int {
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(data)
}

// spellString escapes letters in a string, or in what stands between two.
func spellString(b *bytes.Buffer, data []byte) {
	foreign := isForeign(data)
	for len(data) > 0 {
		n := wordIn(data)
		if n == 0 {
			n = otherIn(data)
			b.Write(data[:n])
			data = data[n:]
			continue
		}
		word := data[:n]
		data = data[n:]
		latin := bytes.IndexFunc(word, isLatin) >= 0
		whole := !latin && bytes.IndexFunc(word, isPlain) < 0
		for _, r := range string(word) {
			switch {
			case r == utf8.RuneError || !(latin && looksLatin(r) || whole && (!foreign || isForm(r))):
				b.WriteRune(r)
			case r > 0xffff:
				r -= 0x10000
				fmt.Fprintf(b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
			default:
				fmt.Fprintf(b, `\u%04x`, r)
			}
		}
	}
}

// isForeign reports whether a text has a word of a script that shares shapes with Latin
// that cannot be taken for a Latin word: then it is a text of that script.
func isForeign(data []byte) bool {
	for len(data) > 0 {
		n := wordIn(data)
		if n == 0 {
			data = data[otherIn(data):]
			continue
		}
		word := data[:n]
		data = data[n:]
		if bytes.IndexFunc(word, isLatin) < 0 && bytes.IndexFunc(word, looksLatin) >= 0 && bytes.IndexFunc(word, isPlain) >= 0 {
			return true
		}
	}
	return false
}

// otherIn returns the length of what begins a text that does not begin with a word.
func otherIn(data []byte) int {
	if data[0] == '\\' && len(data) > 1 { // an escape is no part of a word
		return 2
	}
	_, size := utf8.DecodeRune(data)
	return size
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

// alike are letters of other scripts that are drawn as Latin letters are.
const alike = "\u0430\u0441\u0501\u0435\u04bb\u0456\u0458\u04cf\u043e\u0440\u051b\u0455\u051d\u0445\u0443\u04af" +
	"\u0475\u0461\u0410\u0412\u0421\u0415\u041d\u0406\u0408\u04c0\u041a\u041c\u041e\u0420\u0405\u0422" +
	"\u0425\u0423\u04ae\u051a\u051c\u0474\u03b1\u03b3\u03b7\u03b9\u03ba\u03bd\u03bf\u03c1\u03c4\u03c5" +
	"\u03c9\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u0563" +
	"\u0566\u0570\u0578\u057d\u0581\u0582\u0584\u0585\u0555\u054d\u053c\u054f\u13a0\u13a1\u13a2\u13aa" +
	"\u13ab\u13ac\u13b3\u13b7\u13bb\u13bd\u13c0\u13c3\u13cf\u13da\u13d9\u13de\u13df\u13e2\u13e6\u13f4" +
	"\u13c2\u13d2"

// isForm reports whether a letter is a Latin one in a form for mathematics or of full width.
func isForm(r rune) bool {
	return r >= 0x1d400 && r <= 0x1d7ff || r >= 0xff21 && r <= 0xff3a || r >= 0xff41 && r <= 0xff5a
}

// isPlain reports whether a letter cannot be taken for a Latin one.
func isPlain(r rune) bool { return !isForm(r) && !strings.ContainsRune(alike, r) }
