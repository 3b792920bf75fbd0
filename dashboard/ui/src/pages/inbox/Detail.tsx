import type { Conversation, Decision, Said } from "../../api";
import { path, query, useQuery } from "../../lib/api";
import { askText, decidersText, doneText, kindText, timeoutText, whyText } from "../../lib/decisions";
import { links } from "../../lib/router";
import { Markdown } from "../../lib/markdown";
import { Arguments } from "../../parts/Arguments";
import { Payload } from "../../parts/Payload";
import { Share } from "../../parts/Share";
import { Time } from "../../parts/Time";
import { Visible } from "../../parts/Visible";
import { Deadline } from "../../parts/Deadline";
import { Decide, type Ask } from "../../parts/Decide";

/** How many messages before the question are shown. */
const lastSaid = 6;

/** Detail shows a decision with all that whoever decides needs to know. */
export function Detail({ decision: d, onDone, ask, gone }: { decision: Decision; onDone: (d: Decision) => void; ask?: Ask; gone?: boolean }) {
  return (
    <article class="inbox-detail" aria-label={askText(d)}>
      <header>
        <p class="inbox-kind"><span class={"kind kind-" + d.kind}>{kindText(d.kind)}</span>
          {d.state === "pending" ? <Deadline at={d.deadline ?? undefined} then={timeoutText(d.on_timeout)} /> : <span>{doneText(d)}</span>}
          <Share what="decision" link={"inbox" + query({ tab: d.state === "pending" ? "" : "answered", id: d.id })} id={d.id} command={["inbox get", [d.id]]} json={{ path: path`decisions/${d.id}`, file: "decision.json" }} />
        </p>
        <h2><Visible text={askText(d)} exact /></h2>
        <p class="dim">
          asked <Time at={d.requested_at} />
          {d.originator?.name && <> for <Visible text={d.originator.name} exact /></>}
          {d.assignee && <>, of <Visible text={d.assignee} exact /></>}
          {!!d.level && <>, {d.level} before {d.level === 1 ? "has" : "have"} not answered</>}
        </p>
        {decidersText(d) && <p class="dim inbox-deciders">may decide: <Visible text={decidersText(d)} exact /></p>}
        {d.reason && <p class="inbox-reason"><Visible text={d.reason} exact /></p>}
      </header>
      {d.kind !== "budget" && (
        <section>
          <h3><Visible text={d.tool} exact /></h3>
          <Arguments value={d.edited_args ?? d.args} />
          <p class="dim small">{d.state === "pending" && whyText(d)} <span title={"binds tool, version, arguments and call: " + d.args_hash}>hash {d.args_hash.slice(0, 12)}</span></p>
        </section>
      )}
      {d.state === "pending" ? <Decide key={d.id + d.args_hash} decision={d} onDone={onDone} ask={ask} keys gone={gone} /> : <Answered decision={d} />}
      <Led decision={d} />
    </article>
  );
}

function Answered({ decision: d }: { decision: Decision }) {
  return (
    <section class="inbox-answered">
      <p><strong>{doneText(d)}</strong>{d.answered_at && <>, <Time at={d.answered_at} /></>}</p>
      {d.comment && <p>“<Visible text={d.comment} />”</p>}
      {d.edited_args !== undefined && <p class="dim">with other arguments than those asked for</p>}
      {d.result !== undefined && <Payload value={d.result} label="result" />}
    </section>
  );
}

function Led({ decision: d }: { decision: Decision }) {
  const q = useQuery<Conversation>(path`runs/${d.run}/conversation`);
  const said = (q.data?.items ?? []).filter((s) => s.kind === "message" && s.at <= d.requested_at).slice(-lastSaid);
  const chat = chatOf(d);
  return (
    <section class="inbox-led">
      <h3>What led here</h3>
      {q.error && <p class="dim">{q.error.message}</p>}
      {q.data && said.length === 0 && <p class="dim">Nothing was said.</p>}
      {!q.data && !q.error && <p class="dim">…</p>}
      {said.map((s) => <Line key={s.run + s.position} said={s} />)}
      <p class="inbox-links">
        {chat && <a href={chat}>Open the conversation</a>}
        <a href={links.run(d.run)}>Open the run</a>
      </p>
    </section>
  );
}

/** chatOf is the page of the session of a decision. */
export function chatOf(d: Decision): string {
  const key = d.session && /^@[^@]+@(.+)$/s.exec(d.session)?.[1];
  return key ? links.session(d.agent, key) : "";
}

function Line({ said: s }: { said: Said }) {
  const m = s.message;
  if (!m) {
    return null;
  }
  const text = m.Contents.map((c) => (c.Type === "text" ? c.Text : "")).join("");
  const calls = m.Contents.flatMap((c) => (c.Type === "functionCall" ? [c.Name] : []));
  if (text === "" && calls.length === 0) {
    return null;
  }
  return (
    <div class={"led led-" + m.Role}>
      <span class="led-who">{m.Role === "user" ? "user" : s.agent}</span>
      <div>
        {text && <Markdown text={text} />}
        {calls.map((c, i) => <p key={i} class="dim">calls <Visible text={c} exact /></p>)}
      </div>
    </div>
  );
}
