package auto

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/perdure/perdure/model"
)

// answer returns the text that the demo model writes for the request.
func (a *ask) answer() string {
	if a.req.Format != nil {
		return a.fill(a.req.Format.Schema)
	}
	return DemoNote + a.text()
}

func (a *ask) text() string {
	prompt := strings.ToLower(a.prompt)
	about := prompt + " " + strings.ToLower(a.req.Instructions)
	switch {
	case len(a.results) > 0:
		return a.report()
	case asksForName(prompt):
		return a.name()
	case strings.HasPrefix(prompt, "compare"): // whatever the things to compare say
		return a.compare()
	case topicPattern().MatchString(a.prompt):
		return a.article(topicOf(a.prompt))
	case containsAny(prompt, "revise", "rewrite", "improve", "shorten", "feedback") && a.earlierTopic() != "":
		return "Here is the next version.\n\n" + a.article(a.earlierTopic())
	case containsAny(about, "compare", "judge", "which is better", "pick the best", "choose the best"):
		return a.compare()
	case containsAny(about, "joke", "joker", "funny"):
		return a.joke()
	}
	return a.echo()
}

func containsAny(s string, words ...string) bool {
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

func (a *ask) joke() string {
	all := jokes()
	return all[a.random().IntN(len(all))]
}

func jokes() []string {
	return []string{
		"A durable agent walks into a bar. The power fails. A durable agent is standing at the bar.",
		"I asked the database for a second date. It said we already had a commit.",
		"Why did the goroutine never finish its novel? Nobody was waiting for it.",
		"My exactly-once delivery joke is so good that I will tell it at least once.",
		"The queue told a great joke yesterday. You will get it eventually.",
		"Why do pirates make poor testers? They only ever check the C.",
		"A pirate kept his history in a log. When his ship went down, the log still floated.",
		"The cache remembers everything, except why you came into the room.",
		"Two timers meet. One says: let us talk later. The other says: exactly when?",
		"I would tell you a joke about retries. I would tell you a joke about retries.",
		"Why was the orchestrator so calm? It had seen all of this before.",
		"A tool call was lost at sea. It was marked as sent, so a person had to decide whether it can swim.",
		"The leader was asked to step down. It said: not in this term.",
		"Parallel lines have so much in common. They only lack a join.",
	}
}

// topicPattern finds what an article or the like is to be about.
func topicPattern() *regexp.Regexp {
	return regexp.MustCompile(`(?is)\b(?:write|draft|compose|create|generate|prepare)\b.{0,80}?` +
		`\b(?:article|essay|story|post|poem|draft|report|text|piece|content)\b.{0,80}?\b(?:about|on|of)\s+(.+)`)
}

// maxTopic bounds the topic, in bytes.
const maxTopic = 120

func topicOf(prompt string) string {
	topic := topicPattern().FindStringSubmatch(prompt)[1]
	if i := strings.IndexAny(topic, "\n.!?;"); i >= 0 {
		topic = topic[:i]
	}
	topic = strings.Trim(topic, " \t\r\"'`")
	if topic == "" {
		topic = "nothing in particular"
	}
	return shorten(topic, maxTopic)
}

// shorten cuts s to at most n bytes, between two characters.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "..."
}

// earlierTopic is that of the newest article in the conversation, "" if there is none.
func (a *ask) earlierTopic() string {
	for i := len(a.earlier) - 1; i >= 0; i-- {
		if topicPattern().MatchString(a.earlier[i]) {
			return topicOf(a.earlier[i])
		}
	}
	return ""
}

func (a *ask) article(topic string) string {
	r := a.random()
	openings := []string{
		"Everybody has heard of %s; few have stopped to look at it.",
		"There was a time before %s, and it is hard to remember how we managed.",
		"Ask three people about %s and you will get four opinions.",
	}
	middles := []string{
		"Three things matter. First, what it is for: %[1]s earns its place when it takes work off somebody's hands. Second, what it costs: the price is seldom money, it is attention. Third, what happens when it fails, because everything fails, and what is well made fails in a way that can be put right.",
		"The history of %[1]s is one of small steps. Each step was kept, and the next one built on it; nobody had to start again from the beginning. That is the whole secret: progress is what remains after an interruption.",
		"Critics say that %[1]s is overrated, admirers that it changes everything. Both are right on different days. What counts is the ordinary day, on which %[1]s either helps quietly or gets in the way.",
	}
	endings := []string{
		"Whoever wants to know more should try it, on something small, today.",
		"The next chapter is still to be written, and it will not be written by those who wait.",
		"So much for %s. The rest is practice.",
	}
	pick := func(from []string) string {
		s := from[r.IntN(len(from))]
		if strings.Contains(s, "%") {
			return fmt.Sprintf(s, topic)
		}
		return s
	}
	return fmt.Sprintf("%s\n\n%s\n\n%s\n\n%s", "About "+topic, pick(openings), pick(middles), pick(endings))
}

// maxOption bounds an option that is quoted in an answer, in bytes.
const maxOption = 80

func (a *ask) compare() string {
	options := optionsOf(a.prompt)
	if len(options) < 2 {
		return "There is only one thing to judge, and it is a good one: " + shorten(oneLine(a.prompt), maxOption)
	}
	best := a.random().IntN(len(options))
	var b strings.Builder
	fmt.Fprintf(&b, "I compared %d options and choose number %d: %s\n", len(options), best+1, options[best])
	for i, o := range options {
		verdict := "sound, but less to the point"
		if i == best {
			verdict = "clear, short, and it answers the question"
		}
		fmt.Fprintf(&b, "\n%d. %s: %s.", i+1, o, verdict)
	}
	return b.String()
}

// optionsOf finds what is to be compared: the items of a list, lines such as
// "Physicist: ...", the parts of "a or b", or else paragraphs.
func optionsOf(prompt string) []string {
	prompt = strings.ReplaceAll(prompt, DemoNote, "")
	item := regexp.MustCompile(`(?m)^\s*(?:[-*]|\(?\w{1,2}[.):]|(?:Option|Draft|Joke|Answer|Candidate)\s+\w+:|\p{Lu}\w*:)\s+(.+)$`)
	var options []string
	for _, m := range item.FindAllStringSubmatch(prompt, -1) {
		options = append(options, shorten(oneLine(m[1]), maxOption))
	}
	if len(options) >= 2 {
		return options
	}
	if _, rest, ok := strings.Cut(prompt, ":"); ok {
		prompt = rest
	}
	parts := regexp.MustCompile(`(?i)\s+(?:or|vs\.?|versus|and)\s+|\n\s*\n`).Split(strings.TrimSpace(prompt), -1)
	options = nil
	for _, p := range parts {
		if p = strings.TrimRight(oneLine(p), "?.! "); p != "" {
			options = append(options, shorten(p, maxOption))
		}
	}
	return options
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func asksForName(prompt string) bool {
	return strings.Contains(prompt, "my name") && strings.Contains(prompt, "?")
}

// name tells the user's name if the conversation holds it: a conversation that
// is remembered can be seen to be.
func (a *ask) name() string {
	is := regexp.MustCompile(`(?i)\bmy name is\s+([\p{L}\p{N}_-]+)`)
	for i := len(a.earlier) - 1; i >= 0; i-- {
		if m := is.FindStringSubmatch(a.earlier[i]); m != nil {
			return "Your name is " + m[1] + "."
		}
	}
	return "You have not told me your name yet."
}

// report says what the tools answered.
func (a *ask) report() string {
	var b strings.Builder
	for i, r := range a.results {
		if i > 0 {
			b.WriteString(" ")
		}
		switch {
		case r.Error != "":
			fmt.Fprintf(&b, "The tool failed: %s.", strings.TrimRight(r.Error, "."))
		case len(r.Result) == 0:
			b.WriteString("The tool is done.")
		default:
			fmt.Fprintf(&b, "The tool answered: %s.", shorten(plain(r), maxQuote))
		}
	}
	return b.String()
}

// maxQuote bounds what an answer quotes, in bytes.
const maxQuote = 400

func (a *ask) echo() string {
	if a.prompt == "" {
		return "Ask me anything. I know jokes and can write an article about any topic."
	}
	answer := "You said: "
	if m := regexp.MustCompile(`(?i)^\s*you are (an? [^.\n]{1,60})\.`).FindStringSubmatch(a.req.Instructions); m != nil {
		answer = "As " + m[1] + " I heard: "
	}
	answer += shorten(oneLine(a.prompt), maxQuote)
	if n := len(a.earlier); n > 0 {
		answer += fmt.Sprintf("\n\nThis is message %d of our conversation; it began with: %s",
			n+1, shorten(oneLine(a.earlier[0]), maxOption))
	}
	return answer + "\n\nI can tell a joke, write an article about a topic, compare options and call tools. " +
		"Set OPENAI_API_KEY, ANTHROPIC_API_KEY or AZURE_OPENAI_ENDPOINT for a real model."
}

// plain returns a result as text: a JSON string without its quotes, anything
// else as JSON.
func plain(r *model.FunctionResult) string {
	if s, ok := stringOf(r.Result); ok {
		return s
	}
	return string(r.Result)
}
